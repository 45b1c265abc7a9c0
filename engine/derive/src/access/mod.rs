//! `kubernetes.access`: what subjects may do by RBAC.
//!
//! ```text
//! roles ─▶ one Grants each (own rules and those aggregated)
//!                        └▶ bindings × subjects ─▶ one fact for each subject
//! ```
//!
//! Each rule is looked at once for each role that has it, each binding once for
//! each of its subjects.

pub(crate) mod capability;
pub(crate) mod read;
mod roles;
mod shipped;
mod subject;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_model::{Fact, Facts, FactsError, Kind, Resource, ResourceKey, Timestamp};

use crate::{stand_in, unreadable};
use read::{Binding, Subject};
use roles::Roles;
use subject::Access;

pub(crate) const KIND: &str = "kubernetes.access";
pub(crate) const CLUSTER_ROLE: &str = "rbac.authorization.k8s.io.ClusterRole";
pub(crate) const CLUSTER_ROLE_BINDING: &str = "rbac.authorization.k8s.io.ClusterRoleBinding";
pub(crate) const ROLE: &str = "rbac.authorization.k8s.io.Role";
pub(crate) const ROLE_BINDING: &str = "rbac.authorization.k8s.io.RoleBinding";

/// All facts, in order of key.
pub(crate) fn all(facts: &dyn Facts) -> Result<Vec<Fact>, FactsError> {
    let Ok(kind) = Kind::new(KIND) else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    let mut roles = Roles::default();
    for name in [CLUSTER_ROLE, ROLE] {
        each(facts, name, &mut |fact| {
            if let Err(why) = roles.add(&fact) {
                out.extend(stand_in(&fact, &kind, &why));
            }
        })?;
    }
    roles.aggregate();
    let mut subjects: BTreeMap<Subject, Access> = BTreeMap::new();
    for name in [CLUSTER_ROLE_BINDING, ROLE_BINDING] {
        each(facts, name, &mut |fact| match Binding::read(&fact) {
            Ok(binding) => {
                for subject in &binding.subjects {
                    let access = subjects.entry(subject.clone()).or_default();
                    access.add(subject, &binding, roles.get(&binding.role), &fact);
                }
            }
            Err(why) => out.extend(stand_in(&fact, &kind, &why)),
        })?;
    }
    out.extend(subjects.into_iter().map(|(subject, access)| access.fact(&subject, &kind)));
    out.sort_by(|a, b| a.resource.key.cmp(&b.resource.key));
    Ok(out)
}

fn each(facts: &dyn Facts, kind: &str, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
    match Kind::new(kind) {
        Ok(kind) => facts.each(&kind, visit),
        Err(_) => Ok(()),
    }
}

impl Subject {
    fn key(&self, kind: &Kind) -> ResourceKey {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        ResourceKey::build("kubernetes", kind, &[self.kind, namespace, &self.name])
    }

    /// The groups that the API server puts it into.
    fn groups(&self, kind: &Kind) -> Vec<String> {
        let names = match (self.kind, &self.namespace) {
            ("ServiceAccount", Some(namespace)) => vec![
                shipped::AUTHENTICATED.to_owned(),
                shipped::SERVICE_ACCOUNTS.to_owned(),
                format!("{}:{namespace}", shipped::SERVICE_ACCOUNTS),
            ],
            ("User", _) if self.name == shipped::ANONYMOUS => {
                vec![shipped::UNAUTHENTICATED.to_owned()]
            }
            ("User", _) => vec![shipped::AUTHENTICATED.to_owned()],
            (_, _) => Vec::new(),
        };
        let group = |name| Self { kind: "Group", namespace: None, name };
        names.into_iter().map(|n| group(n).key(kind).as_str().to_owned()).collect()
    }
}

impl Access {
    fn fact(self, subject: &Subject, kind: &Kind) -> Fact {
        let key = subject.key(kind);
        let body = match &self.unreadable {
            Some(why) => unreadable(why),
            None => {
                let mut named = json!({"kind": subject.kind, "name": subject.name});
                if let (Some(members), Some(namespace)) =
                    (named.as_object_mut(), &subject.namespace)
                {
                    members.insert("namespace".to_owned(), Value::from(namespace.as_str()));
                }
                let (can, limited) = self.grants();
                json!({
                    "bindings": self.bindings,
                    "built_in": self.bindings.values().all(|b| b.built_in),
                    "can": can,
                    "groups": subject.groups(kind),
                    "key": key.as_str(),
                    "named": limited,
                    "subject": named,
                })
                .to_string()
            }
        };
        let resource = Resource {
            key,
            kind: kind.clone(),
            region: None,
            project: subject.namespace.as_deref().map(Arc::from),
            name: Some(Arc::from(subject.name.as_str())),
            body: Arc::from(body),
            source: Arc::from("tidegate/derived"),
            read_at: self.read_at.unwrap_or(Timestamp::UNIX_EPOCH),
        };
        Fact { resource, unseen_since: self.unseen_since }
    }
}
