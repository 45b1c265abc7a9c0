//! Joins with `subject: any`: what rules on collections look up in the other
//! subjects of a store, by id.
//!
//! A value that is looked up may be an id, or end in one after a `/`, as
//! `openstack:///8a1c…` does. A subject that was never asked for the kind has
//! nothing to say; one that knows it only in part could hold what is not found,
//! and then there is no answer. Such rules are judged anew each time: nothing
//! in the history of one subject tells what happened to another.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use tidegate_model::{AbortCode, Fact, Facts, FactsError};

use crate::coverage::{Coverage, Place, Seen};
use crate::loaded::{Loaded, Reader};
use crate::metadata::{Join, Rule};
use crate::outcome::Answer;

/// `input.joined` for a rule and the resources that it is given; `None` if it
/// has no joins. The inner error is why it cannot be built.
pub(crate) fn resolve(
    rule: &Rule,
    others: &[&dyn Facts],
    from: &[&Loaded],
) -> Result<Result<Option<Value>, Answer>, FactsError> {
    if rule.joins.is_empty() {
        return Ok(Ok(None));
    }
    let mut joined = BTreeMap::new();
    for join in &rule.joins {
        let mut wanted = BTreeSet::new();
        for body in from.iter().filter_map(|l| l.body()) {
            join.key.scalars(body, &mut |value| wanted.extend(id(value)));
        }
        match look_up(rule, join, others, &wanted)? {
            Ok(bodies) => joined.insert(Value::from(join.name.as_str()), Value::from(bodies)),
            Err(reason) => return Ok(Err(Answer::abort(AbortCode::Join, reason))),
        };
    }
    Ok(Ok(Some(Value::from(joined))))
}

/// The id that a value is, or ends in.
fn id(value: &Value) -> Option<String> {
    let text = value.as_string().ok()?;
    let last = text.rsplit('/').next().unwrap_or_default();
    (!last.is_empty()).then(|| last.to_owned())
}

/// The bodies by id. Should two subjects have the same id, the second one
/// stands under its snapshot and key.
fn look_up(
    rule: &Rule,
    join: &Join,
    others: &[&dyn Facts],
    wanted: &BTreeSet<String>,
) -> Result<Result<BTreeMap<Value, Value>, String>, FactsError> {
    let mut bodies = BTreeMap::new();
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut known = false;
    let mut partly = None;
    for facts in others {
        let meta = facts.meta();
        if meta.coverage_of(&join.kind).next().is_none() {
            continue;
        }
        match Coverage::new(&meta.coverage).check(rule, &join.kind, Place::Everywhere) {
            Seen::Enough => known = true,
            Seen::Absent => continue,
            Seen::No(cause) => partly = Some(format!("{}: {}", meta.id, cause.message)),
        }
        let mut hits: Vec<Fact> = Vec::new();
        facts.each(&join.kind, &mut |fact| {
            if wanted.contains(&*fact.resource.key.id()) {
                hits.push(fact);
            }
        })?;
        for loaded in Reader::new(&BTreeMap::new()).load(hits) {
            let key = &loaded.resource.key;
            if let Some(since) = loaded.unseen_since {
                return Ok(Err(format!("joined {key} of `{}` was last seen at {since}", meta.id)));
            }
            let Some(body) = loaded.body() else {
                return Ok(Err(format!(
                    "the body of joined {key} of `{}` cannot be read",
                    meta.id
                )));
            };
            let id = Value::from(&*key.id());
            let id = if bodies.contains_key(&id) {
                Value::from(format!("{}/{key}", meta.id))
            } else {
                id
            };
            found.insert(key.id().into_owned());
            bodies.insert(id, body.clone());
        }
    }
    let missed = found.len() < wanted.len();
    Ok(match partly {
        Some(partly) if missed => Err(partly),
        None if !known => Err(format!(
            "no other subject of the store has `{}`; collect it into the same store, first",
            join.kind
        )),
        Some(_) | None => Ok(bodies),
    })
}
