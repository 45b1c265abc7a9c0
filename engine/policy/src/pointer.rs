//! JSON Pointers into values of the engine.

use std::fmt;

use regorus::Value;

/// A JSON Pointer (RFC 6901), split once. In joins a segment `*` stands for
/// every element of an array or every member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    /// As keys of the engine, so that a lookup allocates nothing.
    parts: Vec<Value>,
}

impl Pointer {
    /// Reads a pointer; `None` unless it is empty or starts with `/`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let rest = match text.strip_prefix('/') {
            Some(rest) => Some(rest),
            None if text.is_empty() => None,
            None => return None,
        };
        let decode = |p: &str| Value::from(p.replace("~1", "/").replace("~0", "~"));
        let parts = rest.map(|r| r.split('/').map(decode).collect()).unwrap_or_default();
        Some(Self { text: text.to_owned(), parts })
    }

    /// The pointer as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it points to; a null that exists is found.
    pub(crate) fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.parts.iter().try_fold(value, step)
    }

    /// Hands every scalar it points to to `found`: the value itself, the
    /// elements of an array there, and what `*` expands to. Null is nothing.
    pub(crate) fn scalars<'v>(&self, value: &'v Value, found: &mut dyn FnMut(&'v Value)) {
        walk(&self.parts, value, found);
    }

    /// The segments, decoded.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|p| p.as_string().map(AsRef::as_ref).unwrap_or_default())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn step<'v>(value: &'v Value, part: &Value) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(part),
        Value::Array(items) => items.get(part.as_string().ok()?.parse().ok()?),
        _ => None,
    }
}

fn walk<'v>(parts: &[Value], value: &'v Value, found: &mut dyn FnMut(&'v Value)) {
    match (parts, value) {
        ([], Value::Array(items)) => items.iter().for_each(|i| scalar(i, found)),
        ([], value) => scalar(value, found),
        ([part, rest @ ..], Value::Array(items)) if is_star(part) => {
            items.iter().for_each(|i| walk(rest, i, found));
        }
        ([part, rest @ ..], Value::Object(members))
            if is_star(part) && !members.contains_key(part) =>
        {
            members.iter_sorted().for_each(|(_, v)| walk(rest, v, found));
        }
        ([part, rest @ ..], value) => {
            if let Some(next) = step(value, part) {
                walk(rest, next, found);
            }
        }
    }
}

fn is_star(part: &Value) -> bool {
    matches!(part, Value::String(s) if s.as_ref() == "*")
}

fn scalar<'v>(value: &'v Value, found: &mut dyn FnMut(&'v Value)) {
    if matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_)) {
        found(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pointer: &str, expected: &[&str]) {
        let value = Value::from_json_str(
            r#"{"a":[{"id":"x"},{"id":"y"},{}],"l":["p",null,"q"],"m/n":{"k":"v"},"z":null}"#,
        )
        .unwrap();
        let mut got = Vec::new();
        Pointer::new(pointer).unwrap().scalars(&value, &mut |v| got.push(v.to_string()));
        assert_eq!(got, expected, "{pointer}");
    }

    #[test]
    fn finds_one_value_an_array_of_them_and_wildcards() {
        check("/a/1/id", &["\"y\""]);
        check("/a/*/id", &["\"x\"", "\"y\""]);
        check("/l", &["\"p\"", "\"q\""]);
        check("/m~1n/k", &["\"v\""]);
        check("/*/k", &["\"v\""]);
        check("/z", &[]);
        check("/none", &[]);
        assert!(Pointer::new("a").is_none());
    }

    #[test]
    fn null_exists() {
        let value = Value::from_json_str(r#"{"z":null}"#).unwrap();
        assert_eq!(Pointer::new("/z").unwrap().get(&value), Some(&Value::Null));
        assert_eq!(Pointer::new("/y").unwrap().get(&value), None);
        assert_eq!(Pointer::new("").unwrap().get(&value), Some(&value));
    }
}
