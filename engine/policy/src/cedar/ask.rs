//! Gate policies, and what they are asked.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer as Engine, Context, Decision as Said, Effect, Entities, EntityUid, EvalResult,
    PolicySet, Request, Response, Schema,
};
use serde::Serialize;
use serde_json::Value as Json;

use super::Policies;
use super::read::one_line;
use crate::error::Fault;

/// The gate policies of a bundle, validated, ready to be asked.
#[derive(Debug, Clone)]
pub struct Authorizer {
    bundle: String,
    schema: Schema,
    set: PolicySet,
    /// In order of file and line.
    policies: Vec<PolicyInfo>,
    named: Named,
}

/// A policy as readers are shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyInfo {
    /// Its `@id`.
    pub id: String,
    /// `permit` or `forbid`.
    pub effect: String,
    /// All its annotations, `id` among them.
    pub annotations: BTreeMap<String, String>,
    /// The file it stands in, relative to the bundle.
    pub file: String,
    /// The line it begins on.
    pub line: u32,
}

/// What gate policies are asked. Entities are written as in Cedar:
/// `Person::"alice"`.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Who. It must be among the entities.
    pub principal: &'q str,
    /// What, such as `Action::"startWave"`. The schema has it.
    pub action: &'q str,
    /// On what. It must be among the entities.
    pub resource: &'q str,
    /// An object with what the schema declares for the action. Times are RFC 3339
    /// texts with milliseconds at most.
    pub context: &'q Json,
    /// An array in Cedar's own form, `[{"uid": {"type", "id"}, "attrs": {…},
    /// "parents": [{"type", "id"}]}]`, with what the schema declares and nothing
    /// else. Whatever principal, resource, attributes, parents, context or
    /// policies name must be among them.
    pub entities: &'q Json,
}

/// What gate policies answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub enum Decision {
    /// Somebody permits it and nobody forbids it.
    Allow {
        /// The permits that apply, at least one, in order of file and line.
        by: Vec<PolicyInfo>,
    },
    /// It is forbidden, or nobody permits it.
    Deny {
        /// The forbids that apply; empty if nothing permits it.
        by: Vec<PolicyInfo>,
    },
    /// It cannot be decided, which is no Allow.
    Error {
        /// Why, at least one, in order and each once.
        errors: Vec<String>,
    },
}

impl Decision {
    /// Whether it is [`Decision::Allow`].
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }
}

impl Authorizer {
    /// Makes an authorizer of gate policies.
    ///
    /// # Errors
    /// A policy without `@id`, or a permit of anything to anybody.
    pub(crate) fn new(policies: &Policies) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for p in &policies.policies {
            if p.policy.annotation("id").is_none_or(str::is_empty) {
                let fault = p.fault(&policies.bundle, "a gate policy must have an `@id`");
                faults.push(fault.hint("write @id(\"my-policy\") above it"));
            }
            if p.is_blanket() {
                let problem = "a gate policy must not permit anybody anything";
                let fault = p.fault(&policies.bundle, problem);
                faults.push(fault.hint("say who may, or when; what nothing permits is denied"));
            }
        }
        let all = policies.policies.iter().map(|p| p.policy.clone());
        let set = match PolicySet::from_policies(all) {
            Ok(set) if faults.is_empty() => set,
            Ok(_) => return Err(faults),
            Err(e) => {
                let path = &policies.schema_source.path;
                return Err(vec![Fault::new(
                    &policies.bundle,
                    path,
                    None,
                    one_line(&e.to_string()),
                )]);
            }
        };
        let info = |p: &super::read::Located| PolicyInfo {
            id: AsRef::<str>::as_ref(p.policy.id()).to_owned(),
            effect: match p.policy.effect() {
                Effect::Permit => "permit".to_owned(),
                Effect::Forbid => "forbid".to_owned(),
            },
            annotations: p.annotations(),
            file: p.file.clone(),
            line: p.line,
        };
        Ok(Self {
            bundle: policies.bundle.clone(),
            schema: policies.schema.clone(),
            set,
            policies: policies.policies.iter().map(info).collect(),
            named: Named::of(policies),
        })
    }

    /// The bundle that brought the policies.
    #[must_use]
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// The policies, in order of file and line.
    #[must_use]
    pub fn policies(&self) -> &[PolicyInfo] {
        &self.policies
    }

    /// Asks the policies. Same question, same answer.
    ///
    /// [`Decision::Error`] where the question does not fit the schema (an unknown
    /// action, an attribute that is not declared, is missing or of another type),
    /// where anything that is named is not among the entities, and where any
    /// policy errs, whatever the others say.
    #[must_use]
    pub fn ask(&self, question: &Question<'_>) -> Decision {
        let (request, entities) = match self.read(question) {
            Ok(read) => read,
            Err(errors) => return Decision::Error { errors },
        };
        let mut missing = self.named.missing(&entities);
        missing.extend(dangling(&self.schema, &request, &entities, &self.named.choices));
        if !missing.is_empty() {
            return Decision::Error { errors: missing.into_iter().collect() };
        }
        let response = Engine::new().is_authorized(&request, &self.set, &entities);
        let errors = errors(&response);
        if !errors.is_empty() {
            return Decision::Error { errors };
        }
        let reasons: BTreeSet<&str> =
            response.diagnostics().reason().map(AsRef::<str>::as_ref).collect();
        let by = self.policies.iter().filter(|p| reasons.contains(p.id.as_str())).cloned();
        match response.decision() {
            Said::Allow => Decision::Allow { by: by.collect() },
            Said::Deny => Decision::Deny { by: by.collect() },
        }
    }

    fn read(&self, question: &Question<'_>) -> Result<(Request, Entities), Vec<String>> {
        let Question { principal, action, resource, context, entities } = question;
        let mut wrong = Vec::new();
        let mut uid = |what: &str, text: &str| match EntityUid::from_str(text) {
            Ok(uid) => Some(uid),
            Err(_) => {
                wrong.push(format!("{what} `{text}` is not written like `Type::\"id\"`"));
                None
            }
        };
        let who = (uid("principal", principal), uid("action", action), uid("resource", resource));
        let (Some(principal), Some(action), Some(resource)) = who else { return Err(wrong) };
        let told = |what: &str, e: &dyn std::error::Error| vec![format!("{what}: {}", chain(e))];
        let entities = Entities::from_json_value((*entities).clone(), Some(&self.schema))
            .map_err(|e| told("entities", &e))?;
        let context = Context::from_json_value((*context).clone(), Some((&self.schema, &action)))
            .map_err(|e| told("context", &e))?;
        let request = Request::new(principal, action, resource, context, Some(&self.schema))
            .map_err(|e| told("request", &e))?;
        Ok((request, entities))
    }
}

/// The entities that policies name, with the policy that does.
#[derive(Debug, Clone)]
struct Named {
    all: BTreeMap<EntityUid, String>,
    /// The entity types whose ids the schema lists.
    choices: BTreeSet<String>,
}

impl Named {
    fn of(policies: &Policies) -> Self {
        let choices = choices(policies);
        let mut all = BTreeMap::new();
        for p in &policies.policies {
            for uid in p.policy.entity_literals() {
                if !is_known(&policies.schema, &uid, &choices) {
                    let by = AsRef::<str>::as_ref(p.policy.id()).to_owned();
                    all.entry(uid).or_insert(by);
                }
            }
        }
        Self { all, choices }
    }

    fn missing(&self, entities: &Entities) -> BTreeSet<String> {
        let gone = self.all.iter().filter(|(uid, _)| entities.get(uid).is_none());
        gone.map(|(uid, by)| format!("policy `{by}` names {uid}, which is not there")).collect()
    }
}

/// The entity types whose ids the schema lists: these exist without being given.
pub(super) fn choices(policies: &Policies) -> BTreeSet<String> {
    let json = policies.fragment.clone().to_json_value().unwrap_or_default();
    let mut out = BTreeSet::new();
    for (namespace, members) in json.as_object().into_iter().flatten() {
        let types = members.get("entityTypes").and_then(Json::as_object);
        for (name, _) in types.into_iter().flatten().filter(|(_, t)| t.get("enum").is_some()) {
            let prefix = if namespace.is_empty() { "" } else { "::" };
            out.insert(format!("{namespace}{prefix}{name}"));
        }
    }
    out
}

/// Whether an entity exists by the schema alone: an action, or one of a list.
pub(super) fn is_known(schema: &Schema, uid: &EntityUid, choices: &BTreeSet<String>) -> bool {
    uid.type_name().basename() == "Action" && schema.actions().any(|a| a == uid)
        || choices.contains(&uid.type_name().to_string())
}

/// What is named by a request and by entities, and is not among the entities.
/// `in` would silently be false of it.
pub(super) fn dangling(
    schema: &Schema,
    request: &Request,
    entities: &Entities,
    choices: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let gone = |uid: &EntityUid| entities.get(uid).is_none() && !is_known(schema, uid, choices);
    let ends = [("principal", request.principal()), ("resource", request.resource())];
    for (what, uid) in ends.into_iter().filter_map(|(w, u)| Some((w, u?))) {
        if gone(uid) {
            out.insert(format!("{what} {uid} is not there"));
        }
    }
    for entity in entities.iter() {
        let by = entity.uid();
        for parent in entities.ancestors(&by).into_iter().flatten().filter(|p| gone(p)) {
            out.insert(format!("{by} is in {parent}, which is not there"));
        }
        let mut named = Vec::new();
        for (_, value) in entity.attrs() {
            references(value.as_ref().ok(), &mut named);
        }
        for (_, value) in entity.tags() {
            references(value.as_ref().ok(), &mut named);
        }
        for uid in named.iter().filter(|uid| gone(uid)) {
            out.insert(format!("{by} names {uid}, which is not there"));
        }
    }
    let mut named = Vec::new();
    for (key, _) in request.context().cloned().into_iter().flatten() {
        references(request.context().and_then(|c| c.get(&key)).as_ref(), &mut named);
    }
    for uid in named.iter().filter(|uid| gone(uid)) {
        out.insert(format!("the context names {uid}, which is not there"));
    }
    out
}

/// The entities that stand in a value.
fn references(value: Option<&EvalResult>, found: &mut Vec<EntityUid>) {
    match value {
        Some(EvalResult::EntityUid(uid)) => found.push(uid.clone()),
        Some(EvalResult::Set(set)) => set.iter().for_each(|v| references(Some(v), found)),
        Some(EvalResult::Record(record)) => {
            record.iter().for_each(|(_, v)| references(Some(v), found));
        }
        Some(
            EvalResult::Bool(_)
            | EvalResult::Long(_)
            | EvalResult::String(_)
            | EvalResult::ExtensionValue(_),
        )
        | None => {}
    }
}

/// The errors of policies, in order and each once.
pub(super) fn errors(response: &Response) -> Vec<String> {
    let errors: BTreeSet<String> =
        response.diagnostics().errors().map(|e| one_line(&e.to_string())).collect();
    errors.into_iter().collect()
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = one_line(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let more = one_line(&cause.to_string());
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}
