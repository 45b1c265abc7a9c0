//! JSON for machines; `schemas/report.schema.json` is its schema.

use std::io::{self, BufWriter, Write};

use crate::Report;

/// Writes the report as indented JSON with a final newline. Keys keep a fixed
/// order.
///
/// # Errors
/// Those of `out`.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::sample;

    #[test]
    fn the_json_fits_its_schema() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../schemas/report.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut text = Vec::new();
        json(&sample(), &mut text).unwrap();
        assert_eq!(text.last(), Some(&b'\n'));
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");

        let mut wrong = value;
        wrong["subjects"][0]["rules"][0]["verdict"] = "maybe".into();
        assert!(!validator.is_valid(&wrong), "the schema must be able to fail");
    }
}
