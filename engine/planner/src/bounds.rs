//! Numbers of waves below which no plan can be.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::GroupPolicy;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Bound, BoundName, Plan};

use crate::arena::{Arena, Id, at, at_mut};
use crate::nodes::{Pods, stays};
use crate::windows::{self, WindowError};

/// All bounds on the waves of a plan that updates these hosts and nodes, greatest first.
///
/// A wave has targets of one zone, so that what holds for each zone adds up.
///
/// # Errors
/// [`WindowError`] if a window cannot be read.
pub(crate) fn bounds(
    arena: &Arena<'_>,
    intent: &Intent,
    hosts: &BTreeSet<Id>,
    nodes: &BTreeSet<&str>,
    pods: Option<&Pods<'_>>,
) -> Result<Vec<Bound>, WindowError> {
    let zones = by_zone(arena, hosts);
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
    // A host that is a node, too, is one target, and its pods leave it.
    let joint = hosts.iter().map(|h| arena.host_id(*h));
    let drained: BTreeSet<&str> = joint
        .filter(|id| pods.is_some_and(|p| p.is_node(id)))
        .chain(nodes.iter().copied())
        .collect();
    let racks: BTreeSet<&str> =
        hosts.iter().filter_map(|h| at(&arena.hosts, *h).domains.first().copied()).collect();
    let all = [
        (BoundName::Capacity, sum(&|zone, hosts| capacity(arena, intent, zone, hosts))),
        (BoundName::Group, sum(&|zone, hosts| groups(arena, zone, hosts))),
        (BoundName::Quorum, quorums(arena, hosts)),
        (BoundName::Pdb, budgets(arena, &drained)),
        (BoundName::Domain, sizes.len().max(racks.len()) as u64),
        (BoundName::Ramp, ramp(arena, intent, hosts, &sizes)),
        (BoundName::Time, time(arena, intent, &zones)?),
    ];
    let mut bounds: Vec<Bound> = all
        .into_iter()
        .filter(|(_, waves)| *waves > 0)
        .map(|(name, waves)| Bound { name, waves: u32::try_from(waves).unwrap_or(u32::MAX) })
        .collect();
    bounds.sort_by_key(|b| (std::cmp::Reverse(b.waves), b.name));
    Ok(bounds)
}

fn by_zone(arena: &Arena<'_>, hosts: &BTreeSet<Id>) -> BTreeMap<Id, Vec<Id>> {
    let mut zones: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for host in hosts {
        zones.entry(at(&arena.hosts, *host).zone).or_default().push(*host);
    }
    zones
}

/// What is on some hosts at the start: how many virtual machines, and how many of them stay in
/// the zone.
fn aboard(arena: &Arena<'_>) -> Vec<(u64, u64)> {
    let mut aboard = vec![(0, 0); arena.hosts.len()];
    for (vm, row) in arena.vms.iter().enumerate() {
        let (all, pinned) = at_mut(&mut aboard, row.host);
        *all += 1;
        *pinned += u64::from(arena.pinned(vm));
    }
    aboard
}

/// No plan that updates these hosts has fewer migrations: all that is on them leaves once.
/// Where every host that takes work is updated, what leaves the first of them goes to
/// another one that has to be emptied yet, and leaves that one, too.
pub(crate) fn migrations(arena: &Arena<'_>, hosts: &BTreeSet<Id>) -> u64 {
    let aboard = aboard(arena);
    let of_zone = |(zone, targets): (&Id, &Vec<Id>)| {
        let once: u64 = targets.iter().map(|h| at(&aboard, *h).0).sum();
        let mut others = arena.hosts.iter().enumerate().filter(|(h, _)| !hosts.contains(h));
        let twice = match others.any(|(_, row)| row.zone == *zone && row.serves) {
            true => 0,
            false => targets.iter().map(|h| at(&aboard, *h).1).min().unwrap_or(0),
        };
        once + twice
    };
    by_zone(arena, hosts).iter().map(of_zone).sum()
}

/// What stays in a zone and has to leave its targets goes to hosts that take a few in each
/// phase, and a window has time for some phases beside the update. Nothing follows without
/// windows.
fn time(
    arena: &Arena<'_>,
    intent: &Intent,
    zones: &BTreeMap<Id, Vec<Id>>,
) -> Result<u64, WindowError> {
    let (aboard, times) = (aboard(arena), &intent.durations);
    let mut waves = 0;
    for (zone, targets) in zones {
        let name = arena.fleet.zones.get(*zone).map(String::as_str);
        let Some(spans) = windows::spans(intent, name, arena.fleet.taken_at)? else {
            return Ok(0);
        };
        let leaving: u64 = targets.iter().map(|h| at(&aboard, *h).1).sum();
        let of_zone = arena.hosts.iter().filter(|r| r.zone == *zone && r.serves);
        let rate: u64 = of_zone.map(|r| u64::from(r.max_in)).sum();
        let left = windows::longest(&spans).saturating_sub(times.update_s);
        let phases = left.checked_div(times.migrate_s).unwrap_or(u64::MAX);
        waves += leaving.div_ceil(phases.saturating_mul(rate).max(1)).max(1);
    }
    Ok(waves)
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
