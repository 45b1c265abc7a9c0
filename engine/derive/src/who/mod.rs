//! Who may do something: what the facts on access say of one action on one
//! resource, with the chain of grants.
//!
//! ```text
//! action, resource ─▶ openstack: roles and the scopes where they count ─┐
//!                  └▶ kubernetes: a verb on a kind, or a capability ────┴▶ facts on access ─▶ holders
//! ```
//!
//! OpenStack is answered from `openstack.access`, Kubernetes from
//! `kubernetes.access` and the roles. Where these were not seen completely there
//! is no answer: somebody who can might be missing.

mod actions;
mod kubernetes;
mod openstack;

use serde::Serialize;
use serde_json::Value as Json;
use tidegate_model::{Fact, Facts, FactsError, Kind, Needed, ResourceKey, Status};

pub use actions::{Policy, actions};

use crate::access::capability;

/// Who may do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holders {
    /// What the action amounts to, as one clause.
    pub asks: String,
    /// The default policy that says which roles may, for an action of a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// In order of kind, name and id; empty if nobody can.
    pub holders: Vec<Holder>,
}

/// Somebody who may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Holder {
    /// `user`, `group`, or as Kubernetes has it: `User`, `Group`, `ServiceAccount`.
    pub kind: String,
    /// The id if it has no name.
    pub name: String,
    /// The id in Keystone; `namespace/name` of a ServiceAccount.
    pub id: String,
    /// Whether Keystone lets the user in; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Each way by which it may, at least one.
    pub grants: Vec<Grant>,
}

/// One way by which somebody may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Grant {
    /// The role that lets it; of Kubernetes its key.
    pub role: String,
    /// Where that counts: a scope of Keystone, a namespace, or `*`.
    pub scope: String,
    /// From the grant to the action, one clause each.
    pub chain: Vec<String>,
    /// Only objects of these names; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// When it ends, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WhoError {
    /// The snapshot cannot be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// There is no such action.
    #[error("there is no action `{action}`")]
    Action {
        /// What was asked.
        action: String,
        /// What there is, as one clause.
        known: String,
    },
    /// There is no such resource, or it is none that an action can be asked of.
    #[error("{problem}")]
    Resource {
        /// What is wrong with it.
        problem: String,
        /// What to write, as one clause.
        hint: String,
    },
    /// Somebody who can may not have been seen.
    #[error("cannot tell who can: {0}")]
    NotSeen(String),
}

/// Answers who may do `action` on `resource`, at a snapshot with its derived kinds.
///
/// Of OpenStack, `action` is the name of a role or an action of a service
/// ([`actions`]), and `resource` is `system` or the key of a domain, a project or
/// anything that has a project. Of Kubernetes, `action` is a verb, and `resource`
/// is `KIND`, `KIND/NAMESPACE` or the key of an object; or `action` is one of
/// [`capabilities`], and `resource` is a namespace or `*`.
///
/// Grants that have expired when the snapshot was taken do not count.
///
/// # Errors
/// [`WhoError`]: the action or the resource is unknown, or too little was seen.
pub fn who_can(facts: &dyn Facts, action: &str, resource: &str) -> Result<Holders, WhoError> {
    let cluster = facts.meta().coverage.iter().any(|c| c.source.starts_with("kubernetes/"));
    let mut found = match cluster {
        true => kubernetes::who_can(facts, action, resource)?,
        false => openstack::who_can(facts, action, resource)?,
    };
    for holder in &mut found.holders {
        holder.grants.sort();
        holder.grants.dedup();
    }
    found.holders.retain(|h| !h.grants.is_empty());
    found.holders.sort();
    Ok(found)
}

/// What can be asked of a cluster beside verbs, as `docs/derived.md` has them.
pub fn capabilities() -> impl Iterator<Item = &'static str> {
    capability::names()
}

/// The facts of a kind on access, with their bodies, all of which must have been
/// seen.
fn access(
    facts: &dyn Facts,
    kind: &'static str,
    visit: &mut dyn FnMut(&Fact, &Json),
) -> Result<(), WhoError> {
    let named = Kind::new(kind).map_err(|e| WhoError::NotSeen(e.to_string()))?;
    seen(facts, &named)?;
    let mut problem = None;
    facts.each(&named, &mut |fact| {
        let key = crate::source_key(&fact.resource.key);
        let body: Json = serde_json::from_str(&fact.resource.body).unwrap_or_default();
        let why = body.pointer("/tidegate/unreadable").and_then(Json::as_str);
        let wrong = match (fact.unseen_since, why) {
            (Some(since), _) => Some(format!("{key} was last seen at {since}")),
            (None, Some(why)) => Some(format!("{key} cannot be read: {why}")),
            (None, None) => None,
        };
        match wrong {
            Some(wrong) => drop(problem.get_or_insert(wrong)),
            None => visit(&fact, &body),
        }
    })?;
    problem.map_or(Ok(()), |problem| Err(WhoError::NotSeen(problem)))
}

/// Refuses a kind that was not listed completely by somebody who sees all of it.
fn seen(facts: &dyn Facts, kind: &Kind) -> Result<(), WhoError> {
    let mut any = false;
    for coverage in facts.meta().coverage_of(kind) {
        any = true;
        if !matches!(coverage.status, Status::Complete { .. }) {
            return Err(WhoError::NotSeen(format!("`{kind}`: {}", coverage.status)));
        }
        if !coverage.visibility.suffices(Needed::All) {
            let text = format!("`{kind}`: visibility is {}, needed is all", coverage.visibility);
            return Err(WhoError::NotSeen(text));
        }
    }
    match any {
        true => Ok(()),
        false => Err(WhoError::NotSeen(format!("`{kind}` was not collected"))),
    }
}

/// One resource of the snapshot.
fn one(facts: &dyn Facts, key: &ResourceKey) -> Result<Option<(Fact, Json)>, WhoError> {
    let mut found = None;
    facts.fetch(std::slice::from_ref(key), &mut |fact| found = Some(fact))?;
    Ok(found.map(|fact| {
        let body = serde_json::from_str(&fact.resource.body).unwrap_or_default();
        (fact, body)
    }))
}

/// The text that a pointer names.
fn text<'j>(json: &'j Json, pointer: &str) -> Option<&'j str> {
    json.pointer(pointer).and_then(Json::as_str)
}

/// The members of an object, if it is one.
fn members(json: Option<&Json>) -> impl Iterator<Item = (&String, &Json)> {
    json.and_then(Json::as_object).into_iter().flatten()
}

#[cfg(test)]
mod tests;
