//! Patches of case inputs: JSON Patch (RFC 6902: add, remove, replace) as a
//! list, JSON Merge Patch (RFC 7396) as a mapping.

use serde_json::Value;

/// Applies a patch; an error is one clause.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), String> {
    match patch {
        Value::Array(ops) => ops.iter().try_for_each(|op| operation(target, op)),
        Value::Object(_) => {
            merge(target, patch);
            Ok(())
        }
        _ => Err("`patch` must be a list of operations or a mapping to merge".to_owned()),
    }
}

/// Removes what a pointer names; `false` if nothing is there.
pub(crate) fn remove(target: &mut Value, pointer: &str) -> bool {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return false };
    let last = last.replace("~1", "/").replace("~0", "~");
    match target.pointer_mut(parent) {
        Some(Value::Object(members)) => members.remove(&last).is_some(),
        Some(Value::Array(items)) => match last.parse::<usize>() {
            Ok(at) if at < items.len() => {
                items.remove(at);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

fn operation(target: &mut Value, op: &Value) -> Result<(), String> {
    let text = |name: &str| {
        op.get(name).and_then(Value::as_str).ok_or_else(|| format!("an operation lacks `{name}`"))
    };
    let (name, path) = (text("op")?, text("path")?);
    let value = || op.get("value").cloned().ok_or_else(|| format!("`{path}`: no `value`"));
    let nothing = || format!("`{path}`: nothing is there");
    match name {
        "remove" => remove(target, path).then_some(()).ok_or_else(nothing),
        "replace" => {
            *target.pointer_mut(path).ok_or_else(nothing)? = value()?;
            Ok(())
        }
        "add" => add(target, path, value()?).ok_or_else(nothing),
        other => Err(format!("`{other}` is not one of add, remove, replace")),
    }
}

fn add(target: &mut Value, path: &str, value: Value) -> Option<()> {
    let (parent, last) = path.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    match target.pointer_mut(parent)? {
        Value::Object(members) => {
            members.insert(last, value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let at: usize = last.parse().ok().filter(|at| *at <= items.len())?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (key, change) in changes {
        if change.is_null() {
            members.remove(key);
        } else {
            merge(members.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(patch: Value, expected: Value) {
        let mut target = json!({"a": {"b": [1, 2]}, "c": 3});
        apply(&mut target, &patch).unwrap();
        assert_eq!(target, expected);
    }

    #[test]
    fn both_kinds_of_patch_work() {
        check(json!({"c": null, "a": {"d": 4}}), json!({"a": {"b": [1, 2], "d": 4}}));
        check(
            json!([{"op": "add", "path": "/a/b/0", "value": 0}, {"op": "remove", "path": "/c"}]),
            json!({"a": {"b": [0, 1, 2]}}),
        );
        check(
            json!([{"op": "add", "path": "/a/b/-", "value": 9}, {"op": "replace", "path": "/c", "value": 1}]),
            json!({"a": {"b": [1, 2, 9]}, "c": 1}),
        );
    }

    #[test]
    fn a_patch_that_does_not_fit_is_an_error() {
        let mut target = json!({"a": []});
        for bad in [
            json!([{"op": "remove", "path": "/x"}]),
            json!([{"op": "replace", "path": "/a/0", "value": 1}]),
            json!([{"op": "add", "path": "/x/y", "value": 1}]),
            json!([{"op": "move", "path": "/a"}]),
            json!("text"),
        ] {
            assert!(apply(&mut target, &bad).is_err(), "{bad}");
        }
    }
}
