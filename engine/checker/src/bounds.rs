//! Bounds, computed again: a plan may claim less than what follows, never more.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::HostState;
use tidegate_model::plan::{BoundName, Done, Plan};

use crate::ground::{Ground, Place, serves};
use crate::pods;
use crate::table::Table;
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
            BoundName::Ramp => ramp(ground, targets, &plan.done),
            BoundName::Time => time(ground, targets),
        };
        let name = format!("{:?}", bound.name).to_lowercase();
        told(&name, u64::from(bound.waves), "waves", most)?;
    }
    match plan.migrations_bound {
        Some(said) => told("migrations", said, "migrations", migrations(ground, targets)),
        None => Ok(()),
    }
}

fn told(name: &str, said: u64, of: &str, most: u64) -> Result<(), Violation> {
    if said <= most {
        return Ok(());
    }
    let problem = format!("the bound `{name}` says {said} {of}, and {most} follow");
    Err(Violation { invariant: Invariant::Bounds, wave: None, step: None, problem })
}

/// By host: the virtual machines on it, and those that stay in its zone.
fn aboard(ground: &Ground<'_>) -> Table<(u64, u64)> {
    let mut aboard = Table::filled((0, 0), ground.fleet.hosts.len());
    for (vm, facts) in ground.fleet.vms.iter().enumerate() {
        let (all, pinned) = &mut aboard[ground.home[vm]];
        *all += 1;
        *pinned += u64::from(facts.zone_pinned);
    }
    aboard
}

/// All that is on a target leaves it. If a zone has no other host to take it, what leaves
/// the first target that is stopped goes to one that must be empty later, and leaves again;
/// that it is the target with least on it is assumed.
fn migrations(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let aboard = aboard(ground);
    let mut others = Table::filled(false, ground.zones());
    for (n, host) in ground.fleet.hosts.iter().enumerate() {
        others[ground.zone_of[n]] |= serves(host) && !targets.contains(host.id.as_str());
    }
    let mut sum = 0;
    for (zone, hosts) in by_zone(ground, targets) {
        let first = hosts.iter().map(|h| aboard[*h].1).min().filter(|_| !others[zone]);
        sum += hosts.iter().map(|h| aboard[*h].0).sum::<u64>() + first.unwrap_or(0);
    }
    sum
}

/// How many waves a zone needs if the longest of its windows has phases for the migrations of
/// one wave only, each with as many as its hosts may receive.
fn time(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let (intent, from) = (ground.intent, ground.fleet.taken_at);
    if intent.windows.is_empty() && intent.freezes.is_empty() {
        return 0;
    }
    let aboard = aboard(ground);
    let mut rates = Table::filled(0_u64, ground.zones());
    for (n, host) in ground.fleet.hosts.iter().enumerate().filter(|(_, h)| serves(h)) {
        rates[ground.zone_of[n]] += u64::from(host.max_migrations.incoming);
    }
    sum(by_zone(ground, targets), |zone, hosts| {
        let name = hosts.first().map(|h| ground.host(*h).zone.as_str());
        let longest = crate::waves::longest(intent, name, from, from);
        let spare = longest.saturating_sub(intent.durations.update_s);
        let phases = spare.checked_div(intent.durations.migrate_s).unwrap_or(u64::MAX);
        let leaving: u64 = hosts.iter().map(|h| aboard[*h].1).sum();
        leaving.div_ceil(phases.saturating_mul(rates[zone]).max(1))
    })
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
    let classes = ground.classes.len();
    let cells = ground.zones() * classes;
    let empty = || Table::filled(0_i64, cells);
    let (mut serving, mut whole, mut load) = (empty(), empty(), empty());
    for host in 0..ground.fleet.hosts.len() {
        let facts = ground.host(host);
        for class in 0..classes {
            let (cell, usable) =
                (ground.zone_of[host] * classes + class, ground.usable(host, class));
            whole[cell] += if facts.state == HostState::Down { 0 } else { usable };
            serving[cell] += if serves(facts) { usable } else { 0 };
        }
    }
    for (vm, facts) in ground.fleet.vms.iter().enumerate() {
        let host = ground.home[vm];
        // What may leave the zone need not find room in it.
        if facts.zone_pinned && serves(ground.host(host)) {
            for class in 0..classes {
                load[ground.zone_of[host] * classes + class] += ground.demand(vm, class);
            }
        }
    }
    sum(by_zone(ground, targets), |zone, hosts| {
        let of_class = |class: usize| {
            let cell = zone * classes + class;
            #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
            let kept = (whole[cell] as f64 * ground.intent.headroom).floor() as i64;
            let free = serving[cell] - kept - load[cell];
            let out = hosts.iter().filter(|h| serves(ground.host(**h)));
            let batch: i64 = out.map(|h| ground.usable(*h, class)).sum();
            match (u64::try_from(free), u64::try_from(batch)) {
                (_, Ok(0) | Err(_)) => 1,
                (Ok(0) | Err(_), Ok(_)) => NEVER,
                (Ok(free), Ok(batch)) => batch.div_ceil(free),
            }
        };
        (0..classes).map(of_class).max().unwrap_or(1)
    })
}

/// More waves than any plan has: none would do.
const NEVER: u64 = u64::MAX / 1_000_000;

/// A group spread over a zone's hosts leaves only some of them free to go.
fn groups(ground: &Ground<'_>, targets: &BTreeSet<&str>) -> u64 {
    let mut serving = Table::filled(0_u64, ground.zones());
    for host in (0..ground.fleet.hosts.len()).filter(|h| serves(ground.host(*h))) {
        serving[ground.zone_of[host]] += 1;
    }
    let mut members: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for (vm, facts) in ground.fleet.vms.iter().enumerate() {
        let host = ground.home[vm];
        if facts.zone_pinned && serves(ground.host(host)) {
            for group in &ground.apart[vm] {
                *members.entry((ground.zone_of[host], *group)).or_default() += 1;
            }
        }
    }
    sum(by_zone(ground, targets), |zone, hosts| {
        let batch = hosts.iter().filter(|h| serves(ground.host(**h))).count() as u64;
        let of_group = |((_, group), members): (&(usize, usize), &u64)| {
            let limit = ground.fleet.groups.get(*group).map_or(1, |g| g.max_per_host.max(1));
            match serving[zone].saturating_sub(members.div_ceil(u64::from(limit))) {
                0 if batch == 0 => 1,
                0 => NEVER,
                free => batch.div_ceil(free),
            }
        };
        members.range((zone, 0)..(zone + 1, 0)).map(of_group).max().unwrap_or(1)
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
    let leave = cluster.pods.iter().filter(|p| !pods::stays(p));
    let on: BTreeMap<&str, &str> = leave.map(|p| (p.id.as_str(), p.node.as_str())).collect();
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
fn ramp(ground: &Ground<'_>, targets: &BTreeSet<&str>, earlier: &[Done]) -> u64 {
    let mut sizes: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for target in targets {
        *sizes.entry(ground.zone_of_target(target)).or_default() += 1;
    }
    let ramped = |(zone, n): (&Option<&str>, &u64)| {
        let Some(canary) = ground.intent.canary else { return 1 };
        #[expect(clippy::cast_precision_loss, reason = "waves have fewer than 2^53 targets")]
        let grown = |n: u64| (n as f64 * ground.intent.growth - 1e-9).ceil() as u64;
        let first = Plan::size_before(earlier, *zone).map(|n| grown(n as u64));
        let first = first.unwrap_or(u64::from(canary));
        let (mut wave, mut done, mut waves) = (first.max(1), 0_u64, 0_u64);
        while done < *n {
            done = done.saturating_add(wave);
            waves += 1;
            wave = grown(wave).max(wave);
        }
        waves
    };
    let by_growth: u64 = sizes.iter().map(ramped).sum();
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
