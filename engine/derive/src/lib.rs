//! Facts that need several hops, computed once per snapshot from the collected
//! ones: derived kinds.
//!
//! ```text
//! &dyn Facts ─▶ Derived: each, fetch ─▶ the same kinds and the derived ones
//!                  │  changes_since ─▶ their changes, from those of the inputs
//!                  └▶ remember ─▶ memory ─▶ recall, at a later snapshot
//! ```
//!
//! A derivation is a [`Row`] of [`TABLE`]: what it makes, from what, and how.
//! *Workloads* ([`workload`]) are made one by one: a change costs what depends
//! on it. *Single* ones ([`single`]) need no more than the resource that changed:
//! components of a control plane, addresses of servers. *Networks* ([`network`]) are two kinds that share what they read: a
//! change costs what depends on it. A *graph* ([`graph`]) is made as a whole when
//! an input changed. All but single ones keep an index of what depends on what in
//! the memory, so nothing is read to find out what changed.
//!
//! What the kinds hold is documented in `docs/derived.md`. Nothing is stored,
//! and nothing fails on what it reads: a resource that is not as its API
//! describes it gives a fact whose body is `{"tidegate": {"unreadable": why}}`.

mod access;
mod addresses;
mod coverage;
mod derived;
mod graph;
mod identity;
mod network;
mod single;
mod tenancy;
pub mod who;
mod workload;

use std::collections::BTreeSet;
use std::sync::Arc;

use network::Part;
use single::Single;
use tidegate_model::{Fact, Facts, FactsError, Kind, Resource, ResourceKey, Timestamp};
use workload::component;

pub use derived::Derived;

/// A derived kind.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) inputs: &'static [Input],
    /// Whether bodies say nothing about which resource they are of.
    nameless: bool,
    pub(crate) how: How,
}

/// A kind that a derivation reads.
pub(crate) struct Input {
    pub(crate) kind: &'static str,
    pub(crate) need: Need,
}

/// What is known if a kind was not listed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Listed,
    /// Everything, if that is because the cloud does not offer it.
    ListedOrAbsent,
    /// Everything but a detail that the facts then lack.
    Detail,
}

/// How facts are made.
pub(crate) enum How {
    Workloads,
    Single(&'static Single),
    Graph(fn(&dyn Facts) -> Result<Vec<Fact>, FactsError>),
    Network(Part),
}

const fn input(kind: &'static str, need: Need) -> Input {
    Input { kind, need }
}

/// What tells who holds which role.
const IDENTITY: &[Input] = &[
    input("identity.application_credential", Need::ListedOrAbsent),
    input("identity.domain", Need::Listed),
    input("identity.group", Need::Listed),
    input("identity.group_member", Need::Listed),
    input("identity.project", Need::Listed),
    input("identity.role", Need::Listed),
    input("identity.role_assignment", Need::Listed),
    input("identity.role_inference", Need::Listed),
    input("identity.trust", Need::ListedOrAbsent),
    input("identity.trust_role", Need::ListedOrAbsent),
    input("identity.user", Need::Listed),
];

static TABLE: [Row; 8] = [
    Row {
        kind: access::KIND,
        inputs: &[
            input(access::CLUSTER_ROLE, Need::Listed),
            input(access::CLUSTER_ROLE_BINDING, Need::Listed),
            input(access::ROLE, Need::Listed),
            input(access::ROLE_BINDING, Need::Listed),
        ],
        nameless: false,
        how: How::Graph(access::all),
    },
    Row {
        kind: component::KIND,
        inputs: &[input(workload::POD, Need::Listed)],
        nameless: true,
        how: How::Single(&component::COMPONENTS),
    },
    Row {
        kind: workload::KIND,
        inputs: &[
            input("apps.DaemonSet", Need::ListedOrAbsent),
            input("apps.Deployment", Need::ListedOrAbsent),
            input("apps.ReplicaSet", Need::ListedOrAbsent),
            input("apps.StatefulSet", Need::ListedOrAbsent),
            input("batch.CronJob", Need::ListedOrAbsent),
            input("batch.Job", Need::ListedOrAbsent),
            input(workload::POD, Need::Listed),
            input("core.PodTemplate", Need::ListedOrAbsent),
            input("core.ReplicationController", Need::ListedOrAbsent),
            input(workload::VERSION, Need::Detail),
        ],
        nameless: true,
        how: How::Workloads,
    },
    Row { kind: identity::KIND, inputs: IDENTITY, nameless: false, how: How::Graph(identity::all) },
    Row { kind: tenancy::KIND, inputs: IDENTITY, nameless: false, how: How::Graph(tenancy::all) },
    Row {
        kind: addresses::KIND,
        inputs: &[input(addresses::SERVER, Need::Listed)],
        nameless: true,
        how: How::Single(&addresses::ADDRESSES),
    },
    Row {
        kind: network::EXPOSURE,
        inputs: &[
            input("network.address_group", Need::ListedOrAbsent),
            input("network.floating_ip", Need::ListedOrAbsent),
            input("network.network", Need::Listed),
            input("network.port", Need::Listed),
            input("network.router", Need::ListedOrAbsent),
            input("network.security_group", Need::Listed),
            input("network.security_group_rule", Need::Listed),
            input("network.subnet", Need::Listed),
        ],
        nameless: false,
        how: How::Network(Part::Exposures),
    },
    Row {
        kind: network::OPENING,
        inputs: &[
            input("network.address_group", Need::ListedOrAbsent),
            input("network.security_group", Need::Listed),
            input("network.security_group_rule", Need::Listed),
        ],
        nameless: false,
        how: How::Network(Part::Openings),
    },
];

pub(crate) fn row(kind: &str) -> Option<&'static Row> {
    TABLE.iter().find(|r| r.kind == kind)
}

/// The names of the derived kinds.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.kind)
}

/// Whether a kind is derived, by name.
#[must_use]
pub fn is_derived(kind: &str) -> bool {
    row(kind).is_some()
}

/// Whether equal bodies of a kind are of resources that are equal in all a rule
/// can see, save key, name and project.
#[must_use]
pub fn is_nameless(kind: &str) -> bool {
    row(kind).is_some_and(|r| r.nameless)
}

/// What has to be collected for these kinds: themselves, and the inputs of the
/// derived ones in their place.
#[must_use]
pub fn collected(kinds: impl IntoIterator<Item = Kind>) -> BTreeSet<Kind> {
    let mut out = BTreeSet::new();
    for kind in kinds {
        match row(kind.as_str()) {
            Some(row) => out.extend(row.inputs.iter().filter_map(|i| Kind::new(i.kind).ok())),
            None => {
                out.insert(kind);
            }
        }
    }
    out
}

/// The resource that findings on a fact name: the one it stands for, itself if
/// it stands for none.
///
/// ```
/// # use tidegate_derive::source_key;
/// # use tidegate_model::ResourceKey;
/// let key = ResourceKey::new("kubernetes/kubernetes.workload/apps.Deployment/shop/web").unwrap();
/// assert_eq!(source_key(&key).as_str(), "kubernetes/apps.Deployment/shop/web");
/// ```
#[must_use]
pub fn source_key(key: &ResourceKey) -> ResourceKey {
    let source = match key.kind() {
        workload::KIND => unwrapped(key, workload::KIND),
        component::KIND => unwrapped(key, component::KIND),
        addresses::KIND => unwrapped(key, addresses::KIND),
        identity::KIND => identity::source_key(key),
        tenancy::KIND => tenancy::source_key(key),
        network::OPENING => network::source_key(key, Part::Openings),
        network::EXPOSURE => network::source_key(key, Part::Exposures),
        // Subjects are `User`, `Group` and `ServiceAccount`; what stands for a
        // resource that cannot be read has that resource's kind in this place.
        access::KIND => unwrapped(key, access::KIND).filter(|k| k.kind().contains('.')),
        _ => None,
    };
    source.unwrap_or_else(|| key.clone())
}

/// The key of the fact of a derived kind that stands for a resource.
fn wrapped(key: &ResourceKey, kind: &str) -> Option<ResourceKey> {
    let (system, rest) = key.as_str().split_once('/')?;
    ResourceKey::new(format!("{system}/{kind}/{rest}")).ok()
}

/// The reverse of [`wrapped`].
fn unwrapped(key: &ResourceKey, kind: &str) -> Option<ResourceKey> {
    let (system, rest) = key.as_str().split_once('/')?;
    let rest = rest.strip_prefix(kind)?.strip_prefix('/')?;
    ResourceKey::new(format!("{system}/{rest}")).ok()
}

/// The resources with these keys, as far as there are, in any order.
fn fetched(facts: &dyn Facts, keys: &[ResourceKey]) -> Result<Vec<Fact>, FactsError> {
    let mut found = Vec::with_capacity(keys.len());
    if !keys.is_empty() {
        facts.fetch(keys, &mut |fact| found.push(fact))?;
    }
    Ok(found)
}

/// The fact of a kind that stands for a resource that cannot be read.
fn stand_in(of: &Fact, kind: &Kind, why: &str) -> Option<Fact> {
    let resource = Resource {
        key: wrapped(&of.resource.key, kind.as_str())?,
        kind: kind.clone(),
        body: Arc::from(unreadable(why)),
        ..of.resource.clone()
    };
    Some(Fact { resource, unseen_since: of.unseen_since })
}

/// The earlier of two times, if there are any.
fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The body of a fact about something that cannot be read.
fn unreadable(why: &str) -> String {
    serde_json::json!({"tidegate": {"unreadable": why}}).to_string()
}

#[cfg(test)]
mod tests;
