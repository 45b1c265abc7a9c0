//! JSON for machines; `schemas/report.schema.json` is its schema.

use crate::Report;

/// The report as indented JSON with a final newline. Keys keep a fixed order.
///
/// # Errors
/// None in practice: every key of the model is a string.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
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
        let value: serde_json::Value = serde_json::from_str(&json(&sample()).unwrap()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");

        let mut wrong = value;
        wrong["subjects"][0]["rules"][0]["verdict"] = "maybe".into();
        assert!(!validator.is_valid(&wrong), "the schema must be able to fail");
    }
}
