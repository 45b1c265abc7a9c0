//! Completes the input of a case to what the host would give.

use serde_json::{Map, Value as Json, json};
use tidegate_model::Kind;

use crate::metadata::{Input, Rule};
use crate::patch;
use crate::pointer::Pointer;

/// Fills in what an input leaves out; an error is one clause.
pub(super) fn fill(rule: &Rule, input: Json, now: Option<&str>) -> Result<Json, String> {
    let Json::Object(mut input) = input else { return Err("`input` is not an object".into()) };
    let known: &[&str] = match rule.input {
        Input::Resource => &["resource", "joined", "parameters", "now"],
        Input::Region | Input::Subject if rule.joins.is_empty() => {
            &["resources", "absent", "parameters", "now"]
        }
        Input::Region | Input::Subject => &["resources", "absent", "joined", "parameters", "now"],
    };
    if let Some(other) = input.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(format!("`{other}` is not part of the input of this rule"));
    }
    let mut parameters: Map<String, Json> =
        rule.parameters.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    for (name, value) in object(&mut input, "parameters")? {
        if !parameters.contains_key(&name) {
            return Err(format!("the rule does not declare the parameter `{name}`"));
        }
        parameters.insert(name, value);
    }
    input.insert("parameters".to_owned(), parameters.into());
    if let Some(now) = now {
        input.insert("now".to_owned(), now.into());
    }
    match (rule.time, input.contains_key("now")) {
        (true, false) => return Err("the rule reads the time: the case needs `now`".to_owned()),
        (false, true) => return Err("the rule does not declare `time`".to_owned()),
        (true, true) | (false, false) => {}
    }
    if rule.input == Input::Resource || !rule.joins.is_empty() {
        let mut joined = object(&mut input, "joined")?;
        if let Some(other) = joined.keys().find(|k| rule.joins.iter().all(|j| j.name != **k)) {
            return Err(format!("the rule does not declare the join `{other}`"));
        }
        for join in &rule.joins {
            joined.entry(join.name.clone()).or_insert_with(|| json!({}));
        }
        input.insert("joined".to_owned(), joined.into());
    }
    match rule.input {
        Input::Resource => {
            let mut resource = object(&mut input, "resource")?;
            let kind = resource.get("kind").and_then(Json::as_str).map(str::to_owned);
            let kind = match (kind, rule.meta.kinds.as_slice()) {
                (Some(kind), _) => kind,
                (None, [only]) => only.to_string(),
                (None, _) => return Err("the rule has several kinds: say `kind`".to_owned()),
            };
            complete(rule, &mut resource, &kind, "case")?;
            input.insert("resource".to_owned(), resource.into());
        }
        Input::Region | Input::Subject => {
            let mut resources = object(&mut input, "resources")?;
            for (kind, group) in &mut resources {
                let Json::Object(group) = group else {
                    return Err(format!("`{kind}` is not a mapping from id to resource"));
                };
                for (id, resource) in group.iter_mut() {
                    let Json::Object(resource) = resource else {
                        return Err(format!("`{kind}` `{id}` is not an object"));
                    };
                    complete(rule, resource, kind, id)?;
                }
            }
            for kind in &rule.meta.kinds {
                resources.entry(kind.to_string()).or_insert_with(|| json!({}));
            }
            input.insert("resources".to_owned(), resources.into());
            input.entry("absent").or_insert_with(|| json!([]));
        }
    }
    Ok(input.into())
}

/// Takes a member that must be an object, or an empty one.
fn object(input: &mut Map<String, Json>, name: &str) -> Result<Map<String, Json>, String> {
    match input.remove(name) {
        None => Ok(Map::new()),
        Some(Json::Object(members)) => Ok(members),
        Some(_) => Err(format!("`{name}` is not an object")),
    }
}

fn complete(
    rule: &Rule,
    resource: &mut Map<String, Json>,
    kind: &str,
    id: &str,
) -> Result<(), String> {
    let kind = Kind::new(kind).map_err(|e| e.to_string())?;
    if !rule.meta.kinds.contains(&kind) {
        return Err(format!("the rule is not given `{kind}`"));
    }
    let known = ["key", "kind", "region", "project", "name", "body"];
    if let Some(other) = resource.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(format!("`{other}` is not a member of a resource"));
    }
    for member in ["region", "project", "name"] {
        resource.entry(member).or_insert(Json::Null);
    }
    resource.entry("body").or_insert_with(|| json!({}));
    resource.entry("kind").or_insert_with(|| kind.as_str().into());
    if !resource.contains_key("key") {
        let region = resource.get("region").and_then(Json::as_str).unwrap_or("-");
        let key = tidegate_model::ResourceKey::build("case", &kind, &[region, id]);
        resource.insert("key".to_owned(), key.as_str().into());
    }
    Ok(())
}

/// The input without a required pointer in one body of a kind; `None` if no
/// body of that kind has it.
pub(super) fn without(rule: &Rule, input: &Json, kind: &Kind, pointer: &Pointer) -> Option<Json> {
    let mut bodies = Vec::new();
    match rule.input {
        Input::Resource => {
            let of_kind = input.pointer("/resource/kind").and_then(Json::as_str);
            if of_kind == Some(kind.as_str()) {
                bodies.push("/resource/body".to_owned());
            }
        }
        Input::Region | Input::Subject => {
            let at = format!("/resources/{}", escape(kind.as_str()));
            let ids = input.pointer(&at).and_then(Json::as_object);
            bodies.extend(
                ids.into_iter().flatten().map(|(id, _)| format!("{at}/{}/body", escape(id))),
            );
        }
    }
    for join in rule.joins.iter().filter(|j| j.kind == *kind) {
        let at = format!("/joined/{}", escape(&join.name));
        let ids = input.pointer(&at).and_then(Json::as_object);
        bodies.extend(ids.into_iter().flatten().map(|(id, _)| format!("{at}/{}", escape(id))));
    }
    bodies.iter().find_map(|body| {
        let mut input = input.clone();
        patch::remove(&mut input, &format!("{body}{pointer}")).then_some(input)
    })
}

fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}
