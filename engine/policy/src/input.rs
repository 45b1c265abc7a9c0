//! What rules are given, built from the canonical text of the resources.
//!
//! A resource is `{"body", "key", "kind", "name", "project", "region"}`, null
//! where it has no region, project or name. A resource rule is given
//! `{"joined": {<name>: {<id>: body}}, "parameters", "resource"}`, a rule on
//! collections `{"absent": [kind], "parameters", "resources": {<kind>: {<id>:
//! resource}}}`, with `"joined"` if it has joins; both `"now"` if they declare
//! `time`.
//!
//! An id is what follows system and kind in the key, without the region (or
//! the `-` in its place) where the input is about one region. An id of one
//! segment is decoded, so that it is the API's own; one of several stays as it
//! is in the key. Should two resources of a kind still have the same, the
//! second one keeps its whole key.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use percent_encoding::percent_decode_str;
use regorus::Value;
use tidegate_model::{AbortCode, Resource, Timestamp};

use crate::metadata::{Input, Rule};
use crate::outcome::Answer;
use crate::parse::Parser;
use crate::reads::Shape;

/// How many resources are read before they are judged. With 256, the parsed bodies
/// of a batch are larger than a core's cache by the time rules see them, and judging
/// 100,000 resources takes a sixth longer.
pub(crate) const BATCH: usize = 32;

/// Names of members, made once.
pub(crate) struct Names {
    pub(crate) absent: Value,
    pub(crate) body: Value,
    pub(crate) joined: Value,
    pub(crate) key: Value,
    pub(crate) kind: Value,
    pub(crate) name: Value,
    pub(crate) now: Value,
    pub(crate) parameters: Value,
    pub(crate) project: Value,
    pub(crate) region: Value,
    pub(crate) resource: Value,
    pub(crate) resources: Value,
    pub(crate) tidegate: Value,
    pub(crate) unreadable: Value,
}

pub(crate) static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    absent: "absent".into(),
    body: "body".into(),
    joined: "joined".into(),
    key: "key".into(),
    kind: "kind".into(),
    name: "name".into(),
    now: "now".into(),
    parameters: "parameters".into(),
    project: "project".into(),
    region: "region".into(),
    resource: "resource".into(),
    resources: "resources".into(),
    tidegate: "tidegate".into(),
    unreadable: "unreadable".into(),
});

/// A member of an object.
pub(crate) fn member<'v>(value: &'v Value, name: &Value) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(name),
        _ => None,
    }
}

/// The body of a resource as far as the shape goes; an error is one clause about that
/// resource.
pub(crate) fn read(
    parser: &mut Parser,
    shape: &Shape,
    resource: &Resource,
) -> Result<Value, String> {
    let body =
        parser.parse(&resource.body, shape).map_err(|_| "its body cannot be read".to_owned())?;
    readable(resource, &body)?;
    Ok(body)
}

/// A derived fact may say that what it stands for cannot be read.
fn readable(resource: &Resource, body: &Value) -> Result<(), String> {
    if !tidegate_derive::is_derived(resource.kind.as_str()) {
        return Ok(());
    }
    match member(body, &NAMES.tidegate).and_then(|t| member(t, &NAMES.unreadable)) {
        Some(Value::String(why)) => Err(format!("it cannot be read: {why}")),
        Some(_) | None => Ok(()),
    }
}

/// A member of a resource as rules are given it, but for its body; undefined if it has
/// no such member.
pub(crate) fn about(resource: &Resource, name: &str) -> Value {
    let text = |t: &Option<Arc<str>>| t.clone().map_or(Value::Null, Value::String);
    match name {
        "key" => Value::String((&resource.key).into()),
        "kind" => Value::String((&resource.kind).into()),
        "name" => text(&resource.name),
        "project" => text(&resource.project),
        "region" => text(&resource.region),
        _ => Value::Undefined,
    }
}

/// A resource as rules are given it, with its body as parsed.
pub(crate) fn with_body(resource: &Resource, body: Value) -> Value {
    let n = &*NAMES;
    let rest = [
        (&n.key, "key"),
        (&n.kind, "kind"),
        (&n.name, "name"),
        (&n.project, "project"),
        (&n.region, "region"),
    ];
    let rest = rest.map(|(key, name)| (key.clone(), about(resource, name)));
    let body = (n.body.clone(), body);
    Value::from(BTreeMap::from_iter(std::iter::once(body).chain(rest)))
}

/// The id of a resource in an input; `one_region` says whether the input is
/// about one region only.
pub(crate) fn local_id(resource: &Resource, one_region: bool) -> Cow<'_, str> {
    let key = resource.key.as_str();
    let tail = key.splitn(3, '/').nth(2).unwrap_or(key);
    let region = resource.region.as_deref();
    let tail = match tail.split_once('/') {
        Some(("-", rest)) => rest,
        Some((first, rest)) if one_region && region.is_some_and(|r| decode(first) == r) => rest,
        _ => tail,
    };
    if tail.contains('/') { Cow::Borrowed(tail) } else { decode(tail) }
}

fn decode(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}

/// The reference time as rules see it.
pub(crate) fn now(time: Timestamp) -> Value {
    Value::from(time.to_string())
}

/// The input of a resource rule.
pub(crate) fn of_resource(
    resource: Value,
    joined: Value,
    parameters: &Value,
    now: Option<&Value>,
) -> Value {
    let n = &*NAMES;
    let mut input = BTreeMap::from([
        (n.joined.clone(), joined),
        (n.parameters.clone(), parameters.clone()),
        (n.resource.clone(), resource),
    ]);
    if let Some(now) = now {
        input.insert(n.now.clone(), now.clone());
    }
    Value::from(input)
}

/// The input of a rule on collections.
pub(crate) fn of_collection(
    resources: Value,
    absent: Value,
    joined: Option<Value>,
    parameters: &Value,
    now: Option<&Value>,
) -> Value {
    let n = &*NAMES;
    let mut input = BTreeMap::from([
        (n.absent.clone(), absent),
        (n.parameters.clone(), parameters.clone()),
        (n.resources.clone(), resources),
    ]);
    if let Some(joined) = joined {
        input.insert(n.joined.clone(), joined);
    }
    if let Some(now) = now {
        input.insert(n.now.clone(), now.clone());
    }
    Value::from(input)
}

/// Abort if the input lacks something that the rule requires.
pub(crate) fn check_requires(rule: &Rule, input: &Value) -> Option<Answer> {
    if rule.requires.is_empty() {
        return None;
    }
    let n = &*NAMES;
    let abort = |text: String| Some(Answer::abort(AbortCode::Requires, text));
    match rule.input {
        Input::Resource => {
            let resource = member(input, &n.resource)?;
            if let Some(pointer) =
                lacks(rule, member(resource, &n.kind)?, member(resource, &n.body)?)
            {
                return abort(format!("`{pointer}` is absent"));
            }
        }
        Input::Region | Input::Subject => {
            let resources = member(input, &n.resources)?;
            for kind in rule.requires.keys().filter(|k| rule.meta.kinds.contains(k)) {
                let of_kind = member(resources, &kind.as_str().into())?.as_object().ok()?;
                for (_, resource) in of_kind.iter_sorted() {
                    let body = member(resource, &n.body)?;
                    if let Some(pointer) = lacks(rule, &kind.as_str().into(), body) {
                        let key = member(resource, &n.key).cloned().unwrap_or(Value::Null);
                        return abort(format!("`{pointer}` is absent in {key}"));
                    }
                }
            }
        }
    }
    for join in &rule.joins {
        let Some(pointers) = rule.requires.get(&join.kind) else { continue };
        let joined = member(member(input, &n.joined)?, &join.name.as_str().into())?;
        for (id, body) in joined.as_object().ok()?.iter_sorted() {
            if let Some(pointer) = pointers.iter().find(|p| p.get(body).is_none()) {
                return abort(format!("`{pointer}` is absent in joined {} {id}", join.kind));
            }
        }
    }
    None
}

fn lacks<'r>(rule: &'r Rule, kind: &Value, body: &Value) -> Option<&'r crate::Pointer> {
    let pointers = rule.requires.get(kind.as_string().ok()?.as_ref())?;
    pointers.iter().find(|p| p.get(body).is_none())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_model::{Fact, Kind, ResourceKey};

    use super::*;

    fn resource(key: &str, region: Option<&str>, body: &str) -> Resource {
        let key = ResourceKey::new(key).unwrap();
        Resource {
            kind: Kind::new(key.kind()).unwrap(),
            key,
            region: region.map(Arc::from),
            project: None,
            name: Some(Arc::from("a \"b\"\n")),
            body: Arc::from(body),
            source: Arc::from("s"),
            read_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn resources_have_the_shape_of_the_contract() {
        let r = resource("openstack/compute.server/R/1", Some("R"), r#"{"a":[1.5,"é"]}"#);
        let body = read(&mut Parser::default(), &Shape::whole(), &r).unwrap();
        let got = with_body(&r, body);
        assert_eq!(
            got.to_json_str().unwrap().split_whitespace().collect::<String>(),
            r#"{"body":{"a":[1.5,"é"]},"key":"openstack/compute.server/R/1","kind":"compute.server","name":"a\"b\"\n","project":null,"region":"R"}"#
        );
    }

    #[test]
    fn one_unreadable_body_does_not_hide_the_others() {
        let fact = |id: &str, body: &str| {
            let key = format!("openstack/compute.server/R/{id}");
            Fact { resource: resource(&key, None, body), unseen_since: None }
        };
        let facts = vec![fact("1", "{}"), fact("2", "{"), fact("3", "{}"), fact("4", "{}]")];
        let shapes = BTreeMap::new();
        let got = crate::loaded::Reader::new(&shapes).load(facts);
        let read: Vec<bool> = got.iter().map(|l| l.value.is_ok()).collect();
        assert_eq!(read, [true, false, true, false]);
    }

    #[test]
    fn ids_are_those_of_the_api_where_that_is_clear() {
        let check = |key, region, one_region, expected: &str| {
            assert_eq!(local_id(&resource(key, region, "{}"), one_region), expected);
        };
        check("openstack/compute.server/R/u-1", Some("R"), true, "u-1");
        check("openstack/compute.server/R/u-1", Some("R"), false, "R/u-1");
        check("openstack/identity.role/-/r%2F1", None, true, "r/1");
        check("kubernetes/apps.Deployment/ns/web", None, true, "ns/web");
        check("kubernetes/core.Node/-/n1", None, false, "n1");
        check("openstack/a.b/R/x/y%20z", Some("R"), true, "x/y%20z");
    }
}
