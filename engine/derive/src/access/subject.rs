//! What one subject may do.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidegate_model::{Fact, Timestamp};

use super::capability::{APPROVE_CSR, APPROVE_SIGNERS, CAPABILITIES, Grants};
use super::read::{Binding, Subject};
use super::roles::Entry;
use super::shipped;

/// Everywhere, where the name of a namespace could stand.
const EVERYWHERE: &str = "*";

/// A binding of a subject, as rules see it.
#[derive(Debug, Serialize)]
pub(super) struct Bound {
    role: String,
    namespace: String,
    pub(super) built_in: bool,
    missing: bool,
    #[serde(skip)]
    grants: Grants,
}

/// All that bindings grant to one subject.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// By key.
    pub(super) bindings: BTreeMap<String, Bound>,
    /// Why it cannot be told what the subject may do.
    pub(super) unreadable: Option<String>,
    pub(super) unseen_since: Option<Timestamp>,
    /// The newest of its bindings.
    pub(super) read_at: Option<Timestamp>,
}

/// Capability → place → binding → something.
type By<T> = BTreeMap<&'static str, BTreeMap<String, BTreeMap<String, T>>>;

impl Bound {
    fn in_namespace(&self) -> bool {
        self.namespace != EVERYWHERE
    }
}

impl Access {
    /// Takes in a binding that names the subject; `role` is the one it binds,
    /// if there is one.
    pub(super) fn add(
        &mut self,
        subject: &Subject,
        binding: &Binding,
        role: Option<&Entry>,
        fact: &Fact,
    ) {
        let unseen = [fact.unseen_since, role.and_then(|r| r.unseen_since), self.unseen_since];
        self.unseen_since = unseen.into_iter().flatten().min();
        self.read_at = self.read_at.max(Some(fact.resource.read_at));
        let grants = match role.map(|r| &r.grants) {
            None => Grants::default(),
            Some(Ok(grants)) => grants.clone(),
            Some(Err(why)) => {
                self.unreadable = Some(why.clone());
                Grants::default()
            }
        };
        let in_namespace = binding.namespace.is_some();
        let harmless = !shipped::is_open(subject) || grants.is_empty(in_namespace);
        let bound = Bound {
            role: binding.role.clone(),
            namespace: binding.namespace.clone().unwrap_or_else(|| EVERYWHERE.to_owned()),
            built_in: shipped::is_shipped(binding, subject) && harmless,
            missing: role.is_none(),
            grants,
        };
        self.bindings.insert(binding.key.clone(), bound);
    }

    /// What it may do to any object (the role that grants it), and to objects
    /// by name (their names).
    pub(super) fn grants(&self) -> (By<&str>, By<BTreeSet<&str>>) {
        let mut can: By<&str> = By::new();
        let mut named: By<BTreeSet<&str>> = By::new();
        let any_signer =
            self.bindings.values().any(|b| b.grants.has(APPROVE_SIGNERS, b.in_namespace()));
        let signers: BTreeSet<&str> = self
            .bindings
            .values()
            .flat_map(|b| b.grants.names(APPROVE_SIGNERS, b.in_namespace()))
            .collect();
        for (key, bound) in &self.bindings {
            for (n, capability) in CAPABILITIES.iter().enumerate() {
                if capability.name.is_empty() {
                    continue;
                }
                let mut full = bound.grants.has(n, bound.in_namespace());
                let mut names = bound.grants.names(n, bound.in_namespace());
                if n == APPROVE_CSR && !any_signer {
                    if full {
                        names.clone_from(&signers);
                    } else if signers.is_empty() {
                        names.clear();
                    }
                    full = false;
                }
                let place = bound.namespace.clone();
                if full {
                    let places = can.entry(capability.name).or_default();
                    places.entry(place).or_default().insert(key.clone(), bound.role.as_str());
                } else if !names.is_empty() {
                    let places = named.entry(capability.name).or_default();
                    places.entry(place).or_default().insert(key.clone(), names);
                }
            }
        }
        (can, named)
    }
}
