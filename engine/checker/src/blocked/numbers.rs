//! The numbers of a reason, compared with what is counted.

use serde_json::Value;
use tidegate_model::plan::Blocked;

/// The name that a reason gives of what it is about.
pub(super) fn named<'b>(blocked: &'b Blocked, key: &str) -> Result<&'b str, String> {
    let name = blocked.numbers.get(key).and_then(Value::as_str);
    name.ok_or_else(|| format!("it does not say which `{key}`"))
}

/// Whether a reason has a number of this name.
pub(super) fn has(blocked: &Blocked, key: &str) -> bool {
    blocked.numbers.contains_key(key)
}

/// That the numbers of a reason are these, all of them and no others.
pub(super) fn compare(blocked: &Blocked, counted: &[(&str, Value)]) -> Result<(), String> {
    for (key, counted) in counted {
        match blocked.numbers.get(*key) {
            None => return Err(format!("it does not say `{key}`, which is {counted}")),
            Some(said) if !same(said, counted) => {
                return Err(format!("`{key}` is said to be {said}, and is {counted}"));
            }
            Some(_) => {}
        }
    }
    let known = |key: &String| counted.iter().any(|(k, _)| k == key);
    match blocked.numbers.keys().find(|key| !known(key)) {
        Some(key) => Err(format!("`{key}` is none of the numbers of such a reason")),
        None => Ok(()),
    }
}

/// Whether two values are the same; a number is, however it is written.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
