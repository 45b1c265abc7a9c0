//! A resource of Neutron as read.

use std::sync::Arc;

use tidegate_model::{Fact, Resource, Timestamp};

use super::address::Prefix;
use super::read::{self, Floating, Network, Port, Router, Rule, Subnet};

/// In the order in which news travels: what is told by one is read by later
/// ones, but for ports, which tell each other.
pub(super) const INPUTS: [&str; 8] = [
    "network.address_group",
    "network.security_group_rule",
    "network.security_group",
    "network.network",
    "network.subnet",
    "network.router",
    "network.floating_ip",
    "network.port",
];

pub(super) const GROUP: usize = 2;
pub(super) const PORT: usize = 7;

/// Which input a kind is.
pub(super) fn place(kind: &str) -> Option<usize> {
    INPUTS.iter().position(|k| *k == kind)
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    /// Without its body.
    pub(super) resource: Resource,
    pub(super) unseen: Option<Timestamp>,
    pub(super) body: Body,
}

/// What it says, or why that cannot be read.
#[derive(Debug)]
pub(super) enum Body {
    AddressGroup(Result<Vec<Prefix>, String>),
    /// If it cannot be read, of which group it is, as far as that is known.
    Rule(Result<Rule, (Option<String>, String)>),
    Group,
    Network(Result<Network, String>),
    Subnet(Result<Subnet, String>),
    Router(Result<Router, String>),
    Floating(Result<Floating, String>),
    Port(Result<Port, String>),
}

impl Item {
    /// None if the fact is of another kind. `empty` takes the place of bodies.
    pub(super) fn read(fact: Fact, empty: &Arc<str>) -> Option<Self> {
        let Fact { mut resource, unseen_since: unseen } = fact;
        let id = resource.key.id().into_owned();
        let text = std::mem::replace(&mut resource.body, Arc::clone(empty));
        let body = match place(resource.kind.as_str())? {
            0 => Body::AddressGroup(read::address_group(&text)),
            1 => Body::Rule(read::rule(&id, &text)),
            GROUP => Body::Group,
            3 => Body::Network(Network::read(&text)),
            4 => Body::Subnet(Subnet::read(&text)),
            5 => Body::Router(Router::read(&text)),
            6 => Body::Floating(Floating::read(&id, &text)),
            PORT => Body::Port(Port::read(&text)),
            _ => return None,
        };
        Some(Self { id, resource, unseen, body })
    }

    pub(super) fn region(&self) -> &str {
        self.resource.region.as_deref().unwrap_or_default()
    }
}

/// What follows the kind in a key.
pub(super) fn tail(key: &str) -> &str {
    key.splitn(3, '/').nth(2).unwrap_or_default()
}
