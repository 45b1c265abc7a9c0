//! OpenStack: hosts, virtual machines and server groups.
//!
//! Hosts are the compute services. What a host offers and what stands on it is
//! Placement's to tell: the inventory of its root provider, and the allocations
//! against it. A virtual machine with an allocation elsewhere in the tree (a
//! vGPU, a guaranteed bandwidth) cannot be moved by a plan, since the tree's
//! parts are not told apart in a fleet.

mod api;
mod host;
mod migration;
mod vm;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tidegate_model::FactsError;
use tidegate_model::fleet::{Fleet, Group, GroupPolicy};

use crate::read::{Item, Reader};
use api::ServerGroup;
use host::Hosts;

/// A region of a cloud, as far as names depend on it.
type Region = Option<Arc<str>>;

/// What stands before the names of hosts and zones, where names of several
/// places could be the same.
#[derive(Debug, Clone, Copy)]
struct Naming {
    subject: bool,
    region: bool,
}

impl Naming {
    fn name(self, reader: &Reader<'_>, region: Option<&str>, name: &str) -> String {
        let mut out = String::new();
        if self.subject {
            out.push_str(reader.subject().as_str());
            out.push('/');
        }
        if let Some(region) = region.filter(|_| self.region) {
            out.push_str(region);
            out.push('/');
        }
        out.push_str(name);
        out
    }
}

/// Adds every cloud among the snapshots.
pub(crate) fn add(
    readers: &mut [Reader<'_>],
    fleet: &mut Fleet,
    notes: &mut Vec<String>,
) -> Result<(), FactsError> {
    let mut clouds = Vec::new();
    for reader in readers.iter_mut().filter(|r| r.is_cloud()) {
        let services: Vec<Item<api::Service>> = reader.all("compute.service")?;
        clouds.push((reader, services));
    }
    let regions = |services: &[Item<api::Service>]| -> BTreeSet<Region> {
        let computes = services.iter().filter(|s| s.body.is_compute());
        computes.map(|s| s.region.clone()).collect()
    };
    let naming = Naming {
        subject: clouds.iter().filter(|(_, s)| !regions(s).is_empty()).count() > 1,
        region: clouds.iter().any(|(_, s)| regions(s).len() > 1),
    };
    for (reader, services) in clouds {
        let mut hosts = Hosts::read(reader, naming, &services, notes)?;
        let servers: Vec<Item<api::Server>> = reader.all("compute.server")?;
        let moving = migration::read(reader, &hosts, &servers, notes)?;
        let vms = vm::read(reader, &mut hosts, &servers, &moving, notes)?;
        let known: BTreeSet<&str> = vms.iter().map(|v| v.id.as_str()).collect();
        let groups = groups(reader, &known)?;
        fleet.groups.extend(groups);
        fleet.vms.extend(vms);
        let zones: BTreeSet<String> = hosts.zones();
        fleet.zones.extend(zones);
        fleet.hosts.extend(hosts.into_fleet());
    }
    drop_unused_traits(fleet);
    Ok(())
}

/// Server groups with those of their members that are on hosts.
fn groups(reader: &mut Reader<'_>, known: &BTreeSet<&str>) -> Result<Vec<Group>, FactsError> {
    let mut groups = Vec::new();
    let read: Vec<Item<ServerGroup>> = reader.all("compute.server_group")?;
    for Item { key, region, body } in read {
        let Some(policy) = body.policy() else {
            let reason = format!("the policy of `{key}` is not known");
            reader.gap("compute.server_group", region, reason);
            continue;
        };
        let members: Vec<String> =
            body.members.iter().filter(|m| known.contains(m.as_str())).cloned().collect();
        if members.is_empty() {
            continue;
        }
        let max_per_host = match policy {
            GroupPolicy::AntiAffinity => body.max_per_host(),
            GroupPolicy::Affinity | GroupPolicy::SoftAffinity | GroupPolicy::SoftAntiAffinity => 1,
        };
        groups.push(Group { id: body.id, policy, max_per_host, members });
    }
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(groups)
}

/// Hosts have some hundred traits each; those that no virtual machine asks for
/// decide nothing.
fn drop_unused_traits(fleet: &mut Fleet) {
    let used: BTreeSet<&String> =
        fleet.vms.iter().flat_map(|v| v.requires.iter().chain(&v.forbids)).collect();
    for host in &mut fleet.hosts {
        host.traits.retain(|t| used.contains(t));
    }
}

/// Amounts of Placement by its own classes.
type Resources = BTreeMap<String, i64>;

/// Who holds what on which host, by consumer: the host, whether on its root
/// provider, and what.
type Allocations = HashMap<String, Vec<(String, bool, Resources)>>;
