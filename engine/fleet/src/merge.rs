//! Adds what a file says to a fleet that was extracted.

use serde_json::{Map, Value};
use tidegate_model::Timestamp;
use tidegate_model::fleet::Fleet;

/// A file cannot be added to a fleet.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A member is not of the shape of `tidegate.fleet/v1`.
    #[error("`{member}` is not {wanted}")]
    Shape {
        /// Where, such as `hosts`.
        member: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// The fleet cannot be written down.
    #[error("the fleet cannot be written")]
    Fleet(#[source] serde_json::Error),
}

/// The lists of entities with ids.
const LISTS: [&str; 4] = ["hosts", "vms", "groups", "quorums"];
/// Those inside of other members.
const INNER: [(&str, &[&str]); 2] = [
    ("ceph", &["osds", "pools", "pgs"]),
    ("kubernetes", &["nodes", "pods", "pdbs", "control_planes"]),
];

/// Adds `more`, of the shape `tidegate.fleet/v1` or a part of it, to a fleet.
///
/// Entities are matched by id: what `more` says of one replaces what the fleet
/// says, member by member (versions, ratios and labels key by key, lists as a
/// whole); what only `more` has is added. The whole was taken when the older of the
/// two was; `schema` stays the fleet's.
///
/// Gives the document of the whole, whose reader finds members that are not known.
///
/// # Errors
/// [`MergeError`] if a list has an entity without id.
pub fn merge(fleet: &Fleet, more: &Value) -> Result<Value, MergeError> {
    let mut merged = serde_json::to_value(fleet).map_err(MergeError::Fleet)?;
    let (Some(into), Some(from)) = (merged.as_object_mut(), more.as_object()) else {
        return Err(MergeError::Shape { member: "fleet".to_owned(), wanted: "an object" });
    };
    for (member, value) in from {
        let name = member.as_str();
        if name == "schema" {
            continue;
        }
        if name == "taken_at" {
            older(into, fleet.taken_at, value)?;
            continue;
        }
        if name == "zones" {
            union(into.entry(name).or_insert_with(|| Value::Array(Vec::new())), value);
        } else if LISTS.contains(&name) {
            list(into, name, value, name)?;
        } else if let Some((_, lists)) = INNER.iter().find(|(outer, _)| *outer == name) {
            let inner = into.entry(name).or_insert_with(|| Value::Object(Map::new()));
            let (Some(inner), Some(value)) = (inner.as_object_mut(), value.as_object()) else {
                return Err(MergeError::Shape { member: name.to_owned(), wanted: "an object" });
            };
            for member in *lists {
                let shown = format!("{name}.{member}");
                let nothing = Value::Array(Vec::new());
                list(inner, member, value.get(*member).unwrap_or(&nothing), &shown)?;
            }
        } else {
            into.insert(member.clone(), value.clone());
        }
    }
    Ok(merged)
}

/// Takes over the time of what is added if it is the older one.
fn older(
    into: &mut Map<String, Value>,
    collected: Timestamp,
    added: &Value,
) -> Result<(), MergeError> {
    let shape = |_| MergeError::Shape { member: "taken_at".to_owned(), wanted: "an RFC 3339 time" };
    let time: Timestamp = serde_json::from_value(added.clone()).map_err(shape)?;
    if time < collected {
        into.insert("taken_at".to_owned(), added.clone());
    }
    Ok(())
}

fn union(into: &mut Value, from: &Value) {
    let (Value::Array(into), Value::Array(from)) = (into, from) else { return };
    for value in from {
        if !into.contains(value) {
            into.push(value.clone());
        }
    }
}

/// Merges a list of entities by id; new ones stand behind.
fn list(
    into: &mut Map<String, Value>,
    member: &str,
    from: &Value,
    shown: &str,
) -> Result<(), MergeError> {
    let wrong = |wanted| MergeError::Shape { member: shown.to_owned(), wanted };
    let list = into.entry(member).or_insert_with(|| Value::Array(Vec::new()));
    let (Value::Array(list), Value::Array(from)) = (list, from) else {
        return Err(wrong("a list"));
    };
    let id = |v: &Value| v.get("id").and_then(Value::as_str).map(str::to_owned);
    let mut places: std::collections::HashMap<String, usize> =
        list.iter().enumerate().filter_map(|(n, v)| Some((id(v)?, n))).collect();
    for value in from {
        let id = id(value).ok_or_else(|| wrong("a list of objects with an `id`"))?;
        match places.get(&id).and_then(|n| list.get_mut(*n)) {
            Some(known) => members(known, value),
            None => {
                places.insert(id, list.len());
                list.push(value.clone());
            }
        }
    }
    Ok(())
}

/// Replaces members of an object, and of objects in it; null takes one away.
///
/// Source: RFC 7396.
fn members(into: &mut Value, from: &Value) {
    let (Value::Object(to), Value::Object(from)) = (&mut *into, from) else {
        *into = from.clone();
        return;
    };
    for (name, value) in from {
        match value {
            Value::Null => {
                to.remove(name);
            }
            Value::Object(_) => members(to.entry(name.as_str()).or_insert(Value::Null), value),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                to.insert(name.clone(), value.clone());
            }
        }
    }
}
