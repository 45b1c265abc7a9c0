//! Audit policies: forbids as rules of a rule set.
//!
//! A kind is an entity type: `identity.user` is `identity::user`, and attributes
//! are members of the body ([`super::shape`]). An attribute that is an entity is
//! looked up by id, as a join of the rule, and must be there. A policy sees the
//! resource and what it names, no further.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::sync::Arc;

use cedar_policy::{
    Authorizer as Engine, Context, Decision, Effect, Entities, EntityUid, Policy, PolicySet,
    Request, Schema, ValidationMode, Validator,
};
use regorus::Value;
use serde_json::{Value as Json, json};
use tidegate_model::{AbortCode, Kind, Verdict, Violation};

use super::Policies;
use super::ask::{chain, choices, dangling, errors, is_known};
use super::audit_rule::Annotations;
use super::read::{Located, faults};
use super::shape::{Record, Shape, Types, Unfit};
use crate::error::Fault;
use crate::input::{NAMES, member};
use crate::metadata::{Input, Join, Rule};
use crate::outcome::{Answer, Holds};
use crate::pointer::Pointer;

/// The one action of audits.
const ACTION: &str = "Action::\"audit\"";

/// How far a policy may look: at the resource, and at what it names.
const LEVEL: u32 = 2;

/// An audit policy, ready to judge.
#[derive(Debug)]
pub(crate) struct Audit {
    shared: Arc<Shared>,
    /// The forbid and the blanket permit.
    set: PolicySet,
    message: String,
    path: Option<Pointer>,
    wanted: Json,
}

/// What the audit policies of a bundle have in common.
#[derive(Debug)]
struct Shared {
    schema: Schema,
    entities: BTreeMap<String, Record>,
    context: Record,
    principal: EntityUid,
    action: EntityUid,
    choices: BTreeSet<String>,
    /// By entity type: where in the body its id stands, where that is not the id
    /// of the resource.
    ids: BTreeMap<String, Pointer>,
    /// Of all parameters that the schema declares.
    defaults: BTreeMap<String, Json>,
}

/// Makes the rules of a bundle's audit policies, in order of file and line.
///
/// # Errors
/// Everything that is wrong with them, with file and line.
pub(crate) fn rules(policies: &Policies) -> Result<Vec<(Rule, Audit)>, Vec<Fault>> {
    let bundle = policies.bundle.as_str();
    let (permits, forbids): (Vec<&Located>, Vec<&Located>) =
        policies.policies.iter().partition(|p| p.policy.effect() == Effect::Permit);
    let permit = match permits.as_slice() {
        [one] if one.is_whole_blanket() => *one,
        [] => {
            let path = &policies.schema_source.path;
            let problem = "audit policies need a permit of everything beside them";
            let fault = Fault::new(bundle, path, None, problem);
            return Err(vec![fault.hint("add: permit(principal, action, resource);")]);
        }
        [first, ..] => {
            let odd = permits.iter().find(|p| !p.is_whole_blanket()).or(permits.get(1));
            let problem = "beside audit policies stands one permit, of everything";
            let fault = odd.unwrap_or(first).fault(bundle, problem);
            return Err(vec![fault.hint("write a forbid, or put gate policies into a bundle")]);
        }
    };
    let mut made = Vec::new();
    let mut wrong = Vec::new();
    for located in forbids {
        match rule(policies, located, &permit.policy) {
            Ok(rule) => made.push(rule),
            Err(faults) => wrong.extend(faults),
        }
    }
    if wrong.is_empty() { Ok(made) } else { Err(wrong) }
}

fn rule(
    policies: &Policies,
    located: &Located,
    permit: &Policy,
) -> Result<(Rule, Audit), Vec<Fault>> {
    let bundle = policies.bundle.as_str();
    let here = |problem: String| vec![located.fault(bundle, problem)];
    let read = Annotations::read(&located.annotations()).map_err(here)?;
    let shared = Shared::new(policies, &read.kinds).map_err(|problem| {
        let path = &policies.schema_source.path;
        vec![Fault::new(bundle, path, None, format!("policy `{}`: {problem}", read.id))]
    })?;
    let set = PolicySet::from_policies([located.policy.clone(), permit.clone()])
        .map_err(|e| here(e.to_string()))?;
    let validator = Validator::new(policies.schema.clone());
    let deep = validator.validate_with_level(&set, ValidationMode::Strict, LEVEL);
    if let Some(error) = deep.validation_errors().next() {
        let source = policies.source_of(located);
        return Err(faults(bundle, &source, &error.into()));
    }
    let literals = located.policy.entity_literals();
    if let Some(uid) = literals.iter().find(|u| !is_known(&policies.schema, u, &shared.choices)) {
        return Err(here(format!("an audit policy must not name {uid}: compare an attribute")));
    }
    let applies: BTreeSet<String> = located
        .policy
        .get_valid_request_envs(&policies.schema)
        .filter(|env| *env.action() == shared.action)
        .map(|env| env.resource().to_string())
        .collect();
    let mut joins: Vec<Join> = Vec::new();
    let mut requires: BTreeMap<Kind, Vec<Pointer>> = BTreeMap::new();
    for kind in &read.kinds {
        let name = type_of(kind);
        if !applies.contains(&name) {
            return Err(here(format!("it never applies to an `{name}`, of `@kinds`")));
        }
        let mut found = Vec::new();
        if let Some(record) = shared.entities.get(&name) {
            record.entities("", &mut |at, of| found.push((at, of.to_owned())));
        }
        let required = requires.entry(kind.clone()).or_default();
        required.extend(shared.required(&name));
        for pointer in &read.requires {
            if !required.contains(pointer) {
                required.push(pointer.clone());
            }
        }
        for (at, of) in found.iter().filter(|(_, of)| !shared.choices.contains(of)) {
            let name = at.trim_start_matches('/').replace("/*", "").replace('/', ".");
            let (Ok(target), Some(key)) = (kind_of(of), Pointer::new(at)) else {
                return Err(here(format!("`{of}` is not a kind")));
            };
            requires.insert(target.clone(), shared.required(of));
            match joins.iter().find(|j| j.name == name) {
                Some(same) if same.kind == target => {}
                Some(_) => return Err(here(format!("`{name}` is of two types in its kinds"))),
                None => {
                    let field = shared.ids.get(of).cloned();
                    joins.push(Join { name, kind: target, key, field, across: false });
                }
            }
        }
    }
    requires.retain(|_, pointers| !pointers.is_empty());
    let known = |k: &Kind| read.kinds.contains(k) || joins.iter().any(|j| j.kind == *k);
    if let Some(kind) = read.absent.iter().find(|k| !known(k)) {
        return Err(here(format!("`@absent`: `{kind}` is neither in `@kinds` nor named by them")));
    }
    let json = located.policy.to_json().unwrap_or_default();
    let parameters = shared.defaults.iter().filter(|(name, _)| reads(&json, name));
    let parameters = parameters.map(|(n, v)| (n.clone(), v.clone())).collect();
    let time = shared.context.0.contains_key("now") && reads(&json, "now");
    let Annotations { message, path, wanted, .. } = read.clone();
    let rule = Rule {
        input: Input::Resource,
        absent: read.absent.clone(),
        visibility: read.visibility,
        requires,
        joins,
        time,
        controls: read.controls.clone(),
        parameters,
        package: String::new(),
        meta: read.meta(bundle, &located.file),
    };
    let message = message.unwrap_or_else(|| rule.meta.title.clone());
    Ok((rule, Audit { shared: Arc::new(shared), set, message, path, wanted }))
}

impl Shared {
    fn new(policies: &Policies, kinds: &[Kind]) -> Result<Self, String> {
        let text = &policies.schema_source.text;
        let (json, _) =
            cedar_policy::schema_str_to_json_with_resolved_types(text).map_err(|e| chain(&e))?;
        let types = Types::new(&json);
        let choices = choices(policies);
        let mut entities: BTreeMap<String, Record> = BTreeMap::new();
        for kind in kinds {
            let name = type_of(kind);
            let record = plain(&types, &name)?;
            let mut joined = BTreeSet::new();
            record.entities("", &mut |_, of| joined.extend([of.to_owned()]));
            entities.insert(name, record);
            for of in joined.iter().filter(|of| !choices.contains(*of)) {
                let record = plain(&types, of)?;
                let mut further = None;
                record.entities("", &mut |at, _| further = Some(at));
                if let Some(at) = further {
                    return Err(format!(
                        "`{of}` is named by a resource, so its own `{at}` must not be an entity"
                    ));
                }
                entities.entry(of.clone()).or_insert(record);
            }
        }
        let mut ids = BTreeMap::new();
        for name in entities.keys() {
            ids.extend(policies.id_of(name)?.map(|at| (name.clone(), at)));
        }
        let action = EntityUid::from_str(ACTION).map_err(|e| chain(&e))?;
        let context = types.context("audit")?;
        if let Some(other) = context.0.keys().find(|k| !["now", "parameters"].contains(&k.as_str()))
        {
            return Err(format!(
                "the context of `audit` has `now` and `parameters`, not `{other}`"
            ));
        }
        let principals: BTreeSet<String> = policies
            .schema
            .principals_for_action(&action)
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect();
        let principal = match principals.iter().collect::<Vec<_>>().as_slice() {
            [one] => EntityUid::from_str(&format!("{one}::\"tidegate\"")).map_err(|e| chain(&e))?,
            _ => return Err("it needs an action `audit` with one type of principal".to_owned()),
        };
        let shared = Self {
            schema: policies.schema.clone(),
            entities,
            context,
            principal,
            action,
            choices,
            ids,
            defaults: policies.parameters()?,
        };
        let declared = match shared.context.0.get("parameters") {
            Some((Shape::Record(record), _)) => record.clone(),
            _ => Record::default(),
        };
        if let Some(other) = shared.defaults.keys().find(|k| !declared.0.contains_key(*k)) {
            return Err(format!("the parameter `{other}` is not in the context of `audit`"));
        }
        let defaults = crate::ruleset::parameters_value(&shared.defaults);
        declared.of(&defaults, "/parameters").map_err(|(_, text)| text)?;
        Ok(shared)
    }

    fn required(&self, name: &str) -> Vec<Pointer> {
        let mut found = Vec::new();
        if let Some(record) = self.entities.get(name) {
            record.required("", &mut found);
        }
        found.iter().filter_map(|p| Pointer::new(p)).collect()
    }

    /// The id of an entity, of a resource with `id`.
    fn id(&self, kind: &str, id: String, body: &Value) -> Result<String, Unfit> {
        let Some(at) = self.ids.get(kind) else { return Ok(id) };
        let found = at.get(body).and_then(|v| v.as_string().ok());
        let none = || (AbortCode::Requires, format!("`{at}` of `{kind}` `{id}` is no id"));
        found.map(ToString::to_string).ok_or_else(none)
    }

    fn entity(&self, kind: &str, id: &str, body: &Value) -> Result<Json, Unfit> {
        let unknown = || (AbortCode::Error, format!("the schema has no `{kind}`"));
        let attrs = self.entities.get(kind).ok_or_else(unknown)?.of(body, "")?;
        Ok(json!({"uid": {"type": kind, "id": id}, "attrs": attrs, "parents": []}))
    }
}

/// The attributes of an entity type that the host can make.
fn plain(types: &Types<'_>, name: &str) -> Result<Record, String> {
    let record = types.attributes(name)?;
    let member = |key: &str| types.entity(name).and_then(|e| e.get(key));
    let parents = member("memberOfTypes").and_then(Json::as_array).is_some_and(|a| !a.is_empty());
    if parents || member("tags").is_some() {
        return Err(format!("`{name}`: entities of a snapshot have no parents and no tags"));
    }
    Ok(record)
}

impl Audit {
    /// Judges the input of a resource rule, after the checks before evaluation.
    pub(crate) fn judge(&self, rule: &Rule, input: &Value) -> Answer {
        let answer =
            self.decide(rule, input).unwrap_or_else(|(code, text)| Answer::abort(code, text));
        // Nothing says until when a policy that reads the time answers the same.
        Answer { holds: if rule.time { Holds::Now } else { Holds::Forever }, ..answer }
    }

    fn decide(&self, rule: &Rule, input: &Value) -> Result<Answer, Unfit> {
        let shared = &self.shared;
        let failed = |what: &str, e: &dyn std::error::Error| {
            (AbortCode::Error, format!("{what}: {}", chain(e)))
        };
        let broken = || (AbortCode::Error, "the input of the rule is broken".to_owned());
        let (resource, body) = member(input, &NAMES.resource)
            .and_then(|r| Some((r, member(r, &NAMES.body)?)))
            .ok_or_else(broken)?;
        let text = |name: &Value| match member(resource, name) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(_) | None => Err(broken()),
        };
        let kind = Kind::new(text(&NAMES.kind)?).map_err(|_| broken())?;
        let key = tidegate_model::ResourceKey::new(text(&NAMES.key)?).map_err(|_| broken())?;
        let of = type_of(&kind);
        let id = shared.id(&of, key.id().into_owned(), body)?;
        let auditor = json!({
            "uid": {"type": shared.principal.type_name().to_string(), "id": "tidegate"},
            "attrs": {}, "parents": [],
        });
        let mut entities = vec![auditor, shared.entity(&of, &id, body)?];
        let mut known = BTreeMap::from([((of.clone(), id.clone()), body)]);
        for join in &rule.joins {
            let joined = member(input, &NAMES.joined);
            let joined = joined.and_then(|j| member(j, &join.name.as_str().into()));
            let Some(Value::Object(bodies)) = joined else { return Err(broken()) };
            let of = type_of(&join.kind);
            for (id, body) in bodies.iter_sorted() {
                let id = id.as_string().map(|s| s.to_string()).map_err(|_| broken())?;
                let id = shared.id(&of, id, body)?;
                match known.insert((of.clone(), id.clone()), body) {
                    None => {
                        let entity = shared.entity(&of, &id, body);
                        let named = |(c, t)| (c, format!("{} `{id}`: {t}", join.kind));
                        entities.push(entity.map_err(named)?);
                    }
                    Some(same) if same == body => {}
                    Some(_) => {
                        let text = format!("there are several {} `{id}`", join.kind);
                        return Err((AbortCode::Join, text));
                    }
                }
            }
        }
        let entities = Entities::from_json_value(entities.into(), Some(&shared.schema))
            .map_err(|e| failed("entities", &e))?;
        let context = shared.context.of(&self.context(rule, input), "")?;
        let context = Context::from_json_value(context, Some((&shared.schema, &shared.action)))
            .map_err(|e| failed("context", &e))?;
        let resource = EntityUid::from_json(json!({"type": of, "id": id}))
            .map_err(|e| failed("resource", &e))?;
        let request = Request::new(
            shared.principal.clone(),
            shared.action.clone(),
            resource,
            context,
            Some(&shared.schema),
        )
        .map_err(|e| failed("request", &e))?;
        let gone = dangling(&shared.schema, &request, &entities, &shared.choices);
        if !gone.is_empty() {
            let text = gone.into_iter().collect::<Vec<_>>().join("; ");
            return Err((AbortCode::Join, text));
        }
        let response = Engine::new().is_authorized(&request, &self.set, &entities);
        let errors = errors(&response);
        if !errors.is_empty() {
            return Err((AbortCode::Error, errors.join("; ")));
        }
        Ok(match response.decision() {
            Decision::Allow => Answer::pass(),
            Decision::Deny => self.fail(body),
        })
    }

    fn context(&self, rule: &Rule, input: &Value) -> Value {
        let mut parameters = self.shared.defaults.clone();
        if let Some(given) = member(input, &NAMES.parameters)
            && let Ok(Json::Object(given)) = serde_json::to_value(given)
        {
            parameters.extend(given);
        }
        let mut members = vec![("parameters", crate::ruleset::parameters_value(&parameters))];
        let now = member(input, &NAMES.now).filter(|_| rule.time);
        if let Some(now) = now {
            members.push(("now", now.clone()));
        } else {
            // Declared, and not read.
            members.push(("now", Value::from("1970-01-01T00:00:00Z")));
        }
        crate::ruleset::object(members)
    }

    fn fail(&self, body: &Value) -> Answer {
        let found = self.path.as_ref().and_then(|p| p.get(body));
        let found = found.map(|v| serde_json::to_value(v).unwrap_or_default());
        let violation = Violation {
            message: self.message.clone(),
            path: self.path.as_ref().map(|p| p.as_str().to_owned()).unwrap_or_default(),
            found: found.unwrap_or_default(),
            wanted: self.wanted.clone(),
        };
        Answer { verdict: Verdict::Fail, violations: [(None, violation)].into(), ..Answer::pass() }
    }
}

/// The entity type of a kind.
pub(super) fn type_of(kind: &Kind) -> String {
    kind.as_str().replace('.', "::")
}

fn kind_of(name: &str) -> Result<Kind, tidegate_model::IdError> {
    Kind::new(name.replace("::", "."))
}

/// Whether a policy, in Cedar's JSON form, reads an attribute of this name
/// anywhere.
fn reads(json: &Json, name: &str) -> bool {
    match json {
        Json::Object(members) => {
            members.get("attr").and_then(Json::as_str) == Some(name)
                || members.values().any(|v| reads(v, name))
        }
        Json::Array(items) => items.iter().any(|v| reads(v, name)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}
