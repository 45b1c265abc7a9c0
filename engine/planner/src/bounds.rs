//! Numbers of waves below which no plan can be.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::GroupPolicy;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Bound, BoundName, Plan};

use crate::arena::{Arena, Id, at};
use crate::nodes::{Pods, stays};

/// All bounds on a plan that updates these hosts and nodes, greatest first.
///
/// A wave has targets of one zone, so that what holds for each zone adds up.
pub(crate) fn bounds(
    arena: &Arena<'_>,
    intent: &Intent,
    hosts: &BTreeSet<Id>,
    nodes: &BTreeSet<&str>,
    pods: Option<&Pods<'_>>,
) -> Vec<Bound> {
    let mut zones: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for host in hosts {
        zones.entry(at(&arena.hosts, *host).zone).or_default().push(*host);
    }
    let sum = |of: &dyn Fn(Id, &[Id]) -> u64| -> u64 {
        zones.iter().map(|(zone, hosts)| of(*zone, hosts).max(1)).sum()
    };
    let mut sizes: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for host in hosts {
        let zone = arena.fleet.hosts.get(*host).map(|h| h.zone.as_str());
        *sizes.entry(zone).or_default() += 1;
    }
    for node in nodes {
        *sizes.entry(pods.and_then(|p| p.zone(node))).or_default() += 1;
    }
    let racks: BTreeSet<&str> =
        hosts.iter().filter_map(|h| at(&arena.hosts, *h).domains.first().copied()).collect();
    let all = [
        (BoundName::Capacity, sum(&|zone, hosts| capacity(arena, intent, zone, hosts))),
        (BoundName::Group, sum(&|zone, hosts| groups(arena, zone, hosts))),
        (BoundName::Quorum, quorums(arena, hosts)),
        (BoundName::Pdb, budgets(arena, nodes)),
        (BoundName::Domain, sizes.len().max(racks.len()) as u64),
        (BoundName::Ramp, ramp(arena, intent, hosts, &sizes)),
    ];
    let mut bounds: Vec<Bound> = all
        .into_iter()
        .filter(|(_, waves)| *waves > 0)
        .map(|(name, waves)| Bound { name, waves: u32::try_from(waves).unwrap_or(u32::MAX) })
        .collect();
    bounds.sort_by_key(|b| (std::cmp::Reverse(b.waves), b.name));
    bounds
}

/// Each wave takes out of service what was free besides headroom, at most.
fn capacity(arena: &Arena<'_>, intent: &Intent, zone: Id, targets: &[Id]) -> u64 {
    let mut most = 1;
    for class in 0..arena.classes.len() {
        let (mut usable, mut whole, mut load, mut batch) = (0_i64, 0_i64, 0_i64, 0_i64);
        for row in arena.hosts.iter().filter(|r| r.zone == zone) {
            let size = *at(&row.usable, class);
            whole += if row.down { 0 } else { size };
            usable += if row.serves { size } else { 0 };
        }
        for (vm, facts) in arena.vms.iter().zip(&arena.fleet.vms) {
            let row = at(&arena.hosts, vm.host);
            if facts.zone_pinned && row.zone == zone && row.serves {
                load += *at(&vm.demand, class);
            }
        }
        for host in targets {
            let row = at(&arena.hosts, *host);
            batch += if row.serves { *at(&row.usable, class) } else { 0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
        let kept = (whole as f64 * intent.headroom).floor() as i64;
        let free = usable - kept - load;
        if free > 0 && batch > 0 {
            most = most.max(batch.unsigned_abs().div_ceil(free.unsigned_abs()));
        }
    }
    most
}

/// The members of a group that keeps apart need hosts, which cannot all be out.
fn groups(arena: &Arena<'_>, zone: Id, targets: &[Id]) -> u64 {
    let serving = |h: &Id| at(&arena.hosts, *h).serves;
    let all = arena.hosts.iter().filter(|r| r.zone == zone && r.serves).count() as u64;
    let batch = targets.iter().filter(|h| serving(h)).count() as u64;
    let mut members = vec![0_u64; arena.fleet.groups.len()];
    for (vm, facts) in arena.vms.iter().zip(&arena.fleet.vms) {
        let row = at(&arena.hosts, vm.host);
        if facts.zone_pinned && row.zone == zone && row.serves {
            for group in &vm.apart {
                if let Some(count) = members.get_mut(*group) {
                    *count += 1;
                }
            }
        }
    }
    let of = |(group, members): (&tidegate_model::fleet::Group, u64)| {
        if group.policy != GroupPolicy::AntiAffinity {
            return 1;
        }
        match all.saturating_sub(members.div_ceil(u64::from(group.max_per_host.max(1)))) {
            0 => 1,
            free => batch.div_ceil(free),
        }
    };
    arena.fleet.groups.iter().zip(members).map(of).max().unwrap_or(1)
}

/// Hosts with members of one quorum are updated one after the other.
fn quorums(arena: &Arena<'_>, hosts: &BTreeSet<Id>) -> u64 {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for host in hosts {
        let row = at(&arena.hosts, *host);
        for quorum in row.quorums.iter().collect::<BTreeSet<_>>() {
            *counts.entry(*quorum).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

/// A budget lets a few of its pods go in each wave, but for those that stay.
fn budgets(arena: &Arena<'_>, nodes: &BTreeSet<&str>) -> u64 {
    let Some(cluster) = &arena.fleet.kubernetes else { return 0 };
    let leaving: BTreeSet<&str> = cluster
        .pods
        .iter()
        .filter(|p| nodes.contains(p.node.as_str()) && !stays(p))
        .map(|p| p.id.as_str())
        .collect();
    let of = |pdb: &tidegate_model::fleet::Pdb| {
        let count = pdb.pods.iter().filter(|p| leaving.contains(p.as_str())).count() as u64;
        count.div_ceil(u64::from(pdb.disruptions_allowed.max(1)))
    };
    cluster.pdbs.iter().map(of).max().unwrap_or(0)
}

/// Canaries and growth in each zone; budgets of pools over all.
fn ramp(
    arena: &Arena<'_>,
    intent: &Intent,
    hosts: &BTreeSet<Id>,
    sizes: &BTreeMap<Option<&str>, u64>,
) -> u64 {
    let grown: u64 = sizes
        .iter()
        .map(|(zone, targets)| {
            let before = Plan::size_before(&arena.done, *zone);
            let (mut left, mut waves, mut before) = (*targets, 0_u64, before);
            while left > 0 {
                let cap = crate::zone::size_cap(intent, before).max(1);
                left = left.saturating_sub(cap as u64);
                waves += 1;
                before = Some(cap);
            }
            waves
        })
        .sum();
    let mut pools: BTreeMap<&str, u64> = BTreeMap::new();
    for host in hosts {
        let row = at(&arena.hosts, *host);
        if row.serves {
            *pools.entry(row.pool).or_default() += 1;
        }
    }
    let of = |(pool, batch): (&str, u64)| {
        let limit = intent.max_unavailable.get(pool)?;
        let idle = |(h, r): &(usize, &crate::arena::HostRow<'_>)| {
            r.pool == pool && !r.serves && !hosts.contains(h)
        };
        let out = arena.hosts.iter().enumerate().filter(idle).count() as u64;
        Some(batch.div_ceil(u64::from(*limit).saturating_sub(out).max(1)))
    };
    grown.max(pools.into_iter().filter_map(of).max().unwrap_or(0))
}
