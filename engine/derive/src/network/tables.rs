//! What is known of a region while facts are made.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use tidegate_model::{Resource, Timestamp};

use super::address::Prefix;
use super::item::{Body, Item};
use super::read::{Floating, Network, Port, Router, Rule, Subnet};

/// Something with when it was last seen, unless it was seen.
#[derive(Debug)]
pub(super) struct Seen<T> {
    pub(super) value: T,
    pub(super) unseen: Option<Timestamp>,
}

type ById<T> = BTreeMap<String, Seen<Result<T, String>>>;

/// All regions by name.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(super) regions: BTreeMap<String, Region>,
    /// Rules and floating IPs that cannot be read and stand for themselves.
    pub(super) alone: Vec<(Resource, Option<Timestamp>, String)>,
}

#[derive(Debug, Default)]
pub(super) struct Region {
    /// Security groups, without their rules.
    pub(super) groups: BTreeMap<String, Seen<Resource>>,
    /// By security group.
    pub(super) rules: BTreeMap<String, Vec<Seen<Result<Rule, String>>>>,
    pub(super) address_groups: ById<Vec<Prefix>>,
    pub(super) networks: ById<Network>,
    pub(super) subnets: ById<Subnet>,
    pub(super) routers: ById<Router>,
    pub(super) ports: BTreeMap<String, Seen<OfPort>>,
    /// By subnet.
    pub(super) interfaces: BTreeMap<String, Vec<Seen<Interface>>>,
    /// By the port that they lead to.
    pub(super) floating: BTreeMap<String, Vec<Arc<Seen<Floating>>>>,
    /// By network: addresses with the ports that hold them.
    pub(super) virtuals: BTreeMap<String, Vec<Seen<(IpAddr, String)>>>,
}

/// A port, as far as it can be read.
#[derive(Debug)]
pub(super) struct OfPort {
    pub(super) resource: Resource,
    pub(super) port: Result<Port, String>,
}

/// Where a router meets a subnet.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) router: String,
    pub(super) address: IpAddr,
}

impl Tables {
    /// Takes in a resource; each is to be taken in once.
    pub(super) fn add(&mut self, item: Item) {
        let Item { id, resource, unseen, body } = item;
        let region = resource.region.as_deref().unwrap_or_default();
        let region = match self.regions.get_mut(region) {
            Some(known) => known,
            None => self.regions.entry(region.to_owned()).or_default(),
        };
        match body {
            Body::AddressGroup(value) => {
                region.address_groups.insert(id, Seen { value, unseen });
            }
            Body::Rule(Err((None, why))) => self.alone.push((resource, unseen, why)),
            Body::Rule(Err((Some(group), why))) => {
                region.rules.entry(group).or_default().push(Seen { value: Err(why), unseen });
            }
            Body::Rule(Ok(rule)) => {
                let of_group = match region.rules.get_mut(&rule.group) {
                    Some(known) => known,
                    None => region.rules.entry(rule.group.clone()).or_default(),
                };
                of_group.push(Seen { value: Ok(rule), unseen });
            }
            Body::Group => {
                region.groups.insert(id, Seen { value: resource, unseen });
            }
            Body::Network(value) => {
                region.networks.insert(id, Seen { value, unseen });
            }
            Body::Subnet(value) => {
                region.subnets.insert(id, Seen { value, unseen });
            }
            Body::Router(value) => {
                region.routers.insert(id, Seen { value, unseen });
            }
            Body::Floating(Err(why)) => self.alone.push((resource, unseen, why)),
            Body::Floating(Ok(value)) => region.lead(value, unseen),
            Body::Port(port) => {
                if let Ok(port) = &port {
                    region.hold(&id, port, unseen);
                }
                region.ports.insert(id, Seen { value: OfPort { resource, port }, unseen });
            }
        }
    }
}

impl Region {
    fn lead(&mut self, floating: Floating, unseen: Option<Timestamp>) {
        let floating = Arc::new(Seen { value: floating, unseen });
        let Floating { port, forwardings, .. } = &floating.value;
        let ports = port.iter().map(|(port, _)| port);
        let ports: BTreeSet<&String> = ports.chain(forwardings.iter().map(|f| &f.port)).collect();
        for port in ports {
            let known = self.floating.entry(port.clone()).or_default();
            known.push(Arc::clone(&floating));
        }
    }

    fn hold(&mut self, id: &str, port: &Port, unseen: Option<Timestamp>) {
        for fixed in &port.fixed {
            if port.is_interface() {
                let value = Interface { router: port.device.clone(), address: fixed.address };
                let known = self.interfaces.entry(fixed.subnet.clone()).or_default();
                known.push(Seen { value, unseen });
            } else if port.is_virtual() {
                let value = (fixed.address, id.to_owned());
                let known = self.virtuals.entry(port.network.clone()).or_default();
                known.push(Seen { value, unseen });
            }
        }
    }
}
