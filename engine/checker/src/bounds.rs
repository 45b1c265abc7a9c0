//! Bounds, computed again: a plan may claim less than what follows, never more.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::{GroupPolicy, HostState};
use tidegate_model::plan::{BoundName, Plan};

use crate::ground::{Ground, Place, serves};
use crate::{Invariant, Violation};

/// That no bound claims more waves than follow from the fleet and from what the
/// plan updates.
pub(crate) fn check(
    ground: &Ground<'_>,
    plan: &Plan,
    targets: &BTreeSet<&str>,
) -> Result<(), Violation> {
    for bound in &plan.bounds {
        let most = match bound.name {
            BoundName::Capacity => capacity(ground, targets),
            BoundName::Group => groups(ground, targets),
            BoundName::Quorum => quorums(ground, targets),
            BoundName::Pdb => budgets(ground, targets),
            BoundName::Domain => domains(ground, targets),
            BoundName::Ramp => ramp(ground, targets),
            // It follows from windows, whose waves have been timed already.
            BoundName::Time => plan.waves.len() as u64,
        };
        if u64::from(bound.waves) > most {
            let problem = format!(
                "the bound `{:?}` says {} waves, and {most} follow",
                bound.name, bound.waves
            )
            .to_lowercase();
            return Err(Violation {
                invariant: Invariant::Bounds,
                wave: None,
                step: None,
                problem,
            });
        }
    }
    Ok(())
}

/// The targets that are hosts, by zone.
fn by_zone(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> BTreeMap<usize, Vec<usize>> {
    let mut zones: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &host in targets.iter().filter_map(|t| ground.hosts.get(t)) {
        zones.entry(ground.zone_of[host]).or_default().push(host);
    }
    zones
}

/// At least one wave for each zone with targets, more where `of` says so: waves
/// of different zones are different waves.
fn sum(zones: BTreeMap<usize, Vec<usize>>, of: impl Fn(usize, &[usize]) -> u64) -> u64 {
    zones.iter().map(|(zone, hosts)| of(*zone, hosts).max(1)).sum()
}

/// What a wave takes out of service must have been free besides headroom.
fn capacity(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    sum(by_zone(ground, targets), |zone, hosts| {
        let of_class = |class: usize| {
            let (mut serving, mut whole, mut load) = (0_i64, 0_i64, 0_i64);
            for host in 0..ground.fleet.hosts.len() {
                if ground.zone_of[host] != zone {
                    continue;
                }
                let state = ground.host(host).state;
                let usable = ground.usable(host, class);
                whole += if state == HostState::Down { 0 } else { usable };
                serving += if serves(ground.host(host)) { usable } else { 0 };
            }
            for (vm, facts) in ground.fleet.vms.iter().enumerate() {
                let at = ground.hosts.get(facts.host.as_str());
                // What may leave the zone need not find room in it.
                let stays = |h: &&usize| ground.zone_of[**h] == zone && facts.zone_pinned;
                if at.filter(stays).is_some_and(|h| serves(ground.host(*h))) {
                    load += ground.demand(vm, class);
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
            let kept = (whole as f64 * ground.intent.headroom).floor() as i64;
            let free = serving - kept - load;
            let batch: i64 = hosts
                .iter()
                .filter(|h| serves(ground.host(**h)))
                .map(|h| ground.usable(*h, class))
                .sum();
            if free <= 0 || batch <= 0 {
                return if batch <= 0 { 1 } else { u64::MAX / 1_000_000 };
            }
            (batch as u64).div_ceil(free as u64)
        };
        (0..ground.classes.len()).map(of_class).max().unwrap_or(1)
    })
}

/// A group spread over a zone's hosts leaves only some of them free to go.
fn groups(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    sum(by_zone(ground, targets), |zone, hosts| {
        let of_group = |group: &tidegate_model::fleet::Group| {
            let here = |vm: &&String| {
                let vm = ground.vms.get(vm.as_str()).map(|v| ground.vm(*v));
                let host = vm.and_then(|v| ground.hosts.get(v.host.as_str()));
                vm.is_some_and(|v| v.zone_pinned)
                    && host.is_some_and(|h| ground.zone_of[*h] == zone && serves(ground.host(*h)))
            };
            let members = group.members.iter().filter(here).count() as u64;
            let needs = members.div_ceil(u64::from(group.max_per_host.max(1)));
            let all = (0..ground.fleet.hosts.len())
                .filter(|h| ground.zone_of[*h] == zone && serves(ground.host(*h)))
                .count() as u64;
            let batch = hosts.iter().filter(|h| serves(ground.host(**h))).count() as u64;
            match all.saturating_sub(needs) {
                0 => u64::MAX / 1_000_000,
                free => batch.div_ceil(free),
            }
        };
        let apart = |g: &&tidegate_model::fleet::Group| g.policy == GroupPolicy::AntiAffinity;
        ground.fleet.groups.iter().filter(apart).map(of_group).max().unwrap_or(1)
    })
}

/// Members of one quorum are stopped one after the other.
fn quorums(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let of = |quorum: &tidegate_model::fleet::Quorum| {
        let hosts = quorum.members.iter().filter_map(|m| match ground.member(m)? {
            Place::Host(host) => Some(ground.host(host).id.as_str()),
            Place::Vm(_) => None,
        });
        hosts.filter(|h| targets.contains(h)).collect::<BTreeSet<_>>().len() as u64
    };
    ground.fleet.quorums.iter().map(of).max().unwrap_or(0)
}

/// A budget's pods on target nodes are evicted a few in each wave.
fn budgets(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let Some(cluster) = &ground.fleet.kubernetes else { return 0 };
    let on: BTreeMap<&str, &str> =
        cluster.pods.iter().map(|p| (p.id.as_str(), p.node.as_str())).collect();
    let of = |pdb: &tidegate_model::fleet::Pdb| {
        let leaving = pdb.pods.iter().filter_map(|p| on.get(p.as_str()));
        let leaving = leaving.filter(|n| targets.contains(**n)).count() as u64;
        leaving.div_ceil(u64::from(pdb.disruptions_allowed.max(1)))
    };
    cluster.pdbs.iter().map(of).max().unwrap_or(0)
}

/// Zones one at a time; hosts with OSDs one failure domain at a time.
fn domains(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let zones: BTreeSet<Option<&str>> = targets.iter().map(|t| ground.zone_of_target(t)).collect();
    let osds = ground.fleet.ceph.iter().flat_map(|c| &c.osds);
    let racks: BTreeSet<&str> = osds
        .filter(|o| targets.contains(o.host.as_str()))
        .map(|o| o.domain.as_deref().unwrap_or(&o.host))
        .collect();
    zones.len().max(racks.len()) as u64
}

/// Canaries, growth and `max_unavailable`.
fn ramp(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let mut sizes: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for target in targets {
        *sizes.entry(ground.zone_of_target(target)).or_default() += 1;
    }
    let ramped = |n: u64| {
        let Some(canary) = ground.intent.canary else { return 1 };
        let (mut wave, mut done, mut waves) = (u64::from(canary.max(1)), 0_u64, 0_u64);
        while done < n {
            done = done.saturating_add(wave);
            waves += 1;
            #[expect(clippy::cast_precision_loss, reason = "waves have fewer than 2^53 targets")]
            let grown = (wave as f64 * ground.intent.growth - 1e-9).ceil() as u64;
            wave = grown.max(wave);
        }
        waves
    };
    let by_growth: u64 = sizes.values().map(|n| ramped(*n)).sum();
    let of_pool = |(pool, limit): (&String, &u32)| {
        let hosts = ground.fleet.hosts.iter().filter(|h| h.pool == *pool);
        let (mut out, mut batch) = (0_u64, 0_u64);
        for host in hosts {
            let target = targets.contains(host.id.as_str());
            batch += u64::from(target && serves(host));
            out += u64::from(!target && !serves(host));
        }
        batch.div_ceil(u64::from(*limit).saturating_sub(out).max(1))
    };
    by_growth.max(ground.intent.max_unavailable.iter().map(of_pool).max().unwrap_or(0))
}
