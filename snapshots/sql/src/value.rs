//! Values of cells, and what JSON becomes.

use std::fmt;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use serde_json::Value as Json;
use tidegate_model::Timestamp;

/// A cell of a table or of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number; truth is 1 or 0.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text; JSON is text, too.
    Text(Arc<str>),
    /// Bytes, which only functions of SQL make.
    Blob(Vec<u8>),
}

/// What a column holds, besides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Text only, so that looking up a text finds all that equals it.
    Text,
    /// A number; what is none stays text.
    Integer,
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    pub(crate) fn maybe(text: Option<&Arc<str>>) -> Self {
        text.map_or(Self::Null, |t| Self::Text(Arc::clone(t)))
    }

    pub(crate) fn number(n: u64) -> Self {
        i64::try_from(n).map_or_else(|_| Self::text(n.to_string()), Self::Integer)
    }

    pub(crate) fn time(time: Timestamp) -> Self {
        Self::text(time_text(time))
    }

    /// A value of a body in a column of this type.
    pub(crate) fn of_json(json: Option<&Json>, ty: Type) -> Self {
        match (json, ty) {
            (None | Some(Json::Null), _) => Self::Null,
            (Some(Json::Bool(b)), Type::Integer) => Self::Integer(i64::from(*b)),
            (Some(Json::Number(n)), Type::Integer) => number(n),
            (Some(Json::String(s)), Type::Integer) => {
                s.parse().map_or_else(|_| Self::text(s), Self::Integer)
            }
            (Some(Json::String(s)), Type::Text) => Self::text(s),
            (Some(other), _) => Self::text(other.to_string()),
        }
    }

    pub(crate) fn from_sql(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(i) => Self::Integer(i),
            ValueRef::Real(r) => Self::Real(r),
            ValueRef::Text(t) => Self::text(String::from_utf8_lossy(t)),
            ValueRef::Blob(b) => Self::Blob(b.to_vec()),
        }
    }
}

impl fmt::Display for Value {
    /// As a cell of a table for people; nothing is empty, bytes are hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Real(r) => write!(f, "{r}"),
            Self::Text(t) => f.write_str(t),
            Self::Blob(bytes) => bytes.iter().try_for_each(|b| write!(f, "{b:02x}")),
        }
    }
}

fn number(n: &serde_json::Number) -> Value {
    match (n.as_i64(), n.as_f64()) {
        (Some(i), _) => Value::Integer(i),
        // Whole numbers beyond 63 bits would lose digits as a float.
        (None, Some(f)) if !n.is_u64() => Value::Real(f),
        (None, _) => Value::text(n.to_string()),
    }
}

/// A time as all tables give it: RFC 3339 in UTC, in whole seconds, so that the
/// order of texts is that of times.
pub(crate) fn time_text(time: Timestamp) -> String {
    format!("{time:.0}")
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(i) => ValueRef::Integer(*i),
            Self::Real(r) => ValueRef::Real(*r),
            Self::Text(t) => ValueRef::Text(t.as_bytes()),
            Self::Blob(b) => ValueRef::Blob(b),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(json: Json, ty: Type, expected: Value) {
        assert_eq!(Value::of_json(Some(&json), ty), expected);
    }

    #[test]
    fn texts_stay_texts_and_numbers_numbers() {
        check(json!("8"), Type::Text, Value::text("8"));
        check(json!(8), Type::Text, Value::text("8"));
        check(json!("8"), Type::Integer, Value::Integer(8));
        check(json!("8 GB"), Type::Integer, Value::text("8 GB"));
        check(json!(true), Type::Integer, Value::Integer(1));
        check(json!(true), Type::Text, Value::text("true"));
        check(json!(1.5), Type::Integer, Value::Real(1.5));
        check(json!(u64::MAX), Type::Integer, Value::text("18446744073709551615"));
        check(json!({"a": [1]}), Type::Text, Value::text(r#"{"a":[1]}"#));
        check(json!(null), Type::Text, Value::Null);
    }

    #[test]
    fn times_sort_as_text() {
        let time = |t: &str| time_text(t.parse().unwrap());
        assert_eq!(time("2026-06-30T02:00:00.9Z"), "2026-06-30T02:00:00Z");
        assert!(time("2026-06-30T02:00:00Z") < time("2026-06-30T02:00:01Z"));
    }
}
