//! An answer as JSON (`schemas/answer.schema.json`).

use std::io::{BufWriter, Write};

use serde_json::{Map, Value as Json, json};

use crate::{Answer, Value};

impl Answer {
    /// Writes the answer as one JSON object, a line for each row. Rows are
    /// objects; a name that comes again gets a number. JSON in a cell is text,
    /// as everywhere in SQL; bytes are written in hexadecimal.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let mut out = BufWriter::new(out);
        let names = unique(&self.columns);
        let head = |name: &str, value: Json| format!("  \"{name}\": {value},\n");
        out.write_all(b"{\n")?;
        out.write_all(head("schema_version", "tidegate.answer/v1".into()).as_bytes())?;
        out.write_all(head("snapshots", json!(self.snapshots)).as_bytes())?;
        out.write_all(head("notes", json!(self.notes)).as_bytes())?;
        out.write_all(head("columns", json!(names)).as_bytes())?;
        out.write_all(b"  \"rows\": [")?;
        for (i, row) in self.rows.iter().enumerate() {
            let cells = names.iter().zip(row).map(|(name, v)| (name.clone(), cell(v)));
            let row = Json::Object(cells.collect::<Map<_, _>>());
            out.write_all(if i == 0 { b"\n    " } else { b",\n    " })?;
            serde_json::to_writer(&mut out, &row)?;
        }
        out.write_all(if self.rows.is_empty() { b"]\n}\n" } else { b"\n  ]\n}\n" })?;
        out.flush()
    }
}

fn cell(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(i) => json!(i),
        // JSON has no infinity.
        Value::Real(r) => serde_json::Number::from_f64(*r).map_or(Json::Null, Json::Number),
        Value::Text(t) => json!(t.as_ref()),
        Value::Blob(_) => json!(value.to_string()),
    }
}

/// The names, each once: `id`, `id_2`.
pub(crate) fn unique(names: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        let taken = |n: &str| out.iter().any(|o| o.eq_ignore_ascii_case(n));
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        let mut free = std::iter::once(name.clone()).chain(numbered).filter(|n| !taken(n));
        if let Some(free) = free.next() {
            out.push(free);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_its_schema_says() {
        let columns = ["id", "ID", "n"].map(str::to_owned).to_vec();
        let row = vec![Value::text("é\"\n"), Value::Blob(vec![1, 255]), Value::Real(0.5)];
        let schema = include_str!("../schemas/answer.schema.json");
        let schema: Json = serde_json::from_str(schema).unwrap();
        let snapshots = vec!["prod1@4".parse().unwrap()];
        for rows in [vec![], vec![row.clone()], vec![row, vec![Value::Null; 3]]] {
            let (snapshots, columns) = (snapshots.clone(), columns.clone());
            let answer = Answer { snapshots, columns, rows, notes: vec!["a note".into()] };
            let mut text = Vec::new();
            answer.write_json(&mut text).unwrap();
            let read: Json = serde_json::from_slice(&text).unwrap();
            jsonschema::validate(&schema, &read).unwrap();
            assert_eq!(read["rows"].as_array().unwrap().len(), answer.rows.len());
            if let Some(first) = read["rows"].get(0) {
                assert_eq!(*first, json!({"id": "é\"\n", "ID_2": "01ff", "n": 0.5}));
            }
        }
        let wrong = json!({"schema_version": "tidegate.answer/v2", "rows": []});
        assert!(jsonschema::validate(&schema, &wrong).is_err());
    }
}
