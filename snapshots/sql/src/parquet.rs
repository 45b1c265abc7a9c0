//! An answer as a Parquet file, each column of the type that its values have.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::json::unique;
use crate::{Answer, Value};

/// What all values of a column can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Integer,
    Real,
    Bytes,
    /// Also where kinds of values are mixed, or there are none.
    Text,
}

impl Answer {
    /// Writes the rows as Parquet: columns of whole numbers as `INT64`, of
    /// numbers as `DOUBLE`, of bytes as they are, all others as text. Every
    /// column may have nulls; a name that comes again gets a number.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_parquet(&self, out: impl Write + Send) -> std::io::Result<()> {
        self.write(out).map_err(std::io::Error::other)
    }

    fn write(&self, out: impl Write + Send) -> Result<()> {
        let shapes: Vec<Shape> = (0..self.columns.len())
            .map(|i| shape(self.rows.iter().filter_map(|r| r.get(i))))
            .collect();
        let fields = unique(&self.columns).into_iter().zip(&shapes).map(|(name, shape)| {
            let (physical, logical) = match shape {
                Shape::Integer => (Physical::INT64, None),
                Shape::Real => (Physical::DOUBLE, None),
                Shape::Bytes => (Physical::BYTE_ARRAY, None),
                Shape::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            };
            let field = Type::primitive_type_builder(&name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical);
            field.build().map(Arc::new)
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let schema = Type::group_type_builder("answer").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_created_by("tidegate".to_owned())
            .set_compression(Compression::ZSTD(Default::default()));
        let mut file =
            SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties.build()))?;
        let mut group = file.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            let cells = || self.rows.iter().map(|r| r.get(at).unwrap_or(&Value::Null));
            let levels: Vec<i16> = cells().map(|v| i16::from(*v != Value::Null)).collect();
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(w) => {
                    let values: Vec<i64> = cells().filter_map(integer).collect();
                    w.write_batch(&values, Some(&levels), None)?;
                }
                ColumnWriter::DoubleColumnWriter(w) => {
                    let values: Vec<f64> = cells().filter_map(real).collect();
                    w.write_batch(&values, Some(&levels), None)?;
                }
                ColumnWriter::ByteArrayColumnWriter(w) => {
                    let values: Vec<ByteArray> = cells().filter_map(bytes).collect();
                    w.write_batch(&values, Some(&levels), None)?;
                }
                _ => {
                    return Err(ParquetError::General(format!("column {at} has another type")));
                }
            }
            column.close()?;
            at += 1;
        }
        group.close()?;
        file.close()?;
        Ok(())
    }
}

fn shape<'v>(values: impl Iterator<Item = &'v Value>) -> Shape {
    let mut found = None;
    for value in values {
        let own = match value {
            Value::Null => continue,
            Value::Integer(_) => Shape::Integer,
            Value::Real(_) => Shape::Real,
            Value::Text(_) => Shape::Text,
            Value::Blob(_) => Shape::Bytes,
        };
        found = Some(match (found, own) {
            (None, own) => own,
            (Some(before), own) if before == own => own,
            (Some(Shape::Integer), Shape::Real) | (Some(Shape::Real), Shape::Integer) => {
                Shape::Real
            }
            (Some(_), _) => return Shape::Text,
        });
    }
    found.unwrap_or(Shape::Text)
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(i) => Some(*i),
        Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => None,
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(i) => Some(*i as f64),
        Value::Real(r) => Some(*r),
        Value::Null | Value::Text(_) | Value::Blob(_) => None,
    }
}

fn bytes(value: &Value) -> Option<ByteArray> {
    match value {
        Value::Null => None,
        Value::Integer(i) => Some(ByteArray::from(i.to_string().into_bytes())),
        Value::Real(r) => Some(ByteArray::from(r.to_string().into_bytes())),
        Value::Text(t) => Some(ByteArray::from(t.as_bytes().to_vec())),
        Value::Blob(b) => Some(ByteArray::from(b.clone())),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    #[test]
    fn an_answer_reads_back_from_parquet() {
        let columns = ["n", "r", "t", "mixed", "n", "none"].map(str::to_owned).to_vec();
        let rows = vec![
            vec![
                Value::Integer(1),
                Value::Integer(2),
                Value::text("é"),
                Value::Integer(3),
                Value::Blob(vec![1, 255]),
                Value::Null,
            ],
            vec![
                Value::Null,
                Value::Real(0.5),
                Value::Null,
                Value::text("x"),
                Value::Null,
                Value::Null,
            ],
        ];
        let mut file = Vec::new();
        let answer = Answer { snapshots: Vec::new(), columns, rows, notes: Vec::new() };
        answer.write_parquet(&mut file).unwrap();
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        let rows: Vec<Vec<(String, Field)>> =
            reader.get_row_iter(None).unwrap().map(|r| r.unwrap().into_columns()).collect();
        let named = |name: &str, field| (name.to_owned(), field);
        let text = |t: &str| Field::Str(t.to_owned());
        let expected = [
            vec![
                named("n", Field::Long(1)),
                named("r", Field::Double(2.0)),
                named("t", text("é")),
                named("mixed", text("3")),
                named("n_2", Field::Bytes(vec![1, 255].into())),
                named("none", Field::Null),
            ],
            vec![
                named("n", Field::Null),
                named("r", Field::Double(0.5)),
                named("t", Field::Null),
                named("mixed", text("x")),
                named("n_2", Field::Null),
                named("none", Field::Null),
            ],
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn no_rows_are_a_file_too() {
        let answer = Answer {
            snapshots: Vec::new(),
            columns: vec!["a".into()],
            rows: Vec::new(),
            notes: Vec::new(),
        };
        let mut file = Vec::new();
        answer.write_parquet(&mut file).unwrap();
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        assert_eq!(reader.get_row_iter(None).unwrap().count(), 0);
    }
}
