//! Targets that no plan can update, told before planning; each with the names
//! and numbers that its reason rests on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate_model::fleet::{HostState, Member, Quorum};
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Blocked, BlockedCode};
use tidegate_model::versions::VersionRules;

use crate::arena::{Arena, Id, Seat, at};
use crate::load::Load;
use crate::select::Job;
use crate::steps::Ends;
use crate::{seats, steps};

/// A reason with its numbers and the smallest change that would do away with it.
pub(crate) fn blocked(
    target: &str,
    code: BlockedCode,
    numbers: &[(&str, Value)],
    fix: String,
) -> Blocked {
    let numbers: BTreeMap<String, Value> =
        numbers.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    Blocked { target: target.to_owned(), code, numbers, fix: Some(fix) }
}

/// What is counted over all hosts, once for all targets.
pub(crate) struct Counts<'f> {
    /// By component: the oldest and the newest version.
    ends: BTreeMap<&'f str, Ends<'f>>,
    /// By pool: how many hosts are down or disabled.
    out: BTreeMap<&'f str, usize>,
}

impl<'f> Counts<'f> {
    pub(crate) fn new(
        arena: &Arena<'f>,
        rules: &VersionRules,
        jobs: &BTreeMap<&'f str, Job<'f>>,
    ) -> Self {
        let components = jobs.values().flat_map(|j| &j.updates).map(|u| u.0);
        let ends = components.collect::<BTreeSet<_>>().into_iter().filter_map(|component| {
            let hosts = arena.fleet.hosts.iter();
            let held =
                hosts.filter_map(|h| Some((h.id.as_str(), h.version.get(component)?.as_str())));
            Some((component, steps::ends(rules, component, held)?))
        });
        let mut out = BTreeMap::new();
        for row in arena.hosts.iter().filter(|row| !row.serves) {
            *out.entry(row.pool).or_default() += 1;
        }
        Self { ends: ends.collect(), out }
    }
}

/// Why a host cannot be updated whatever the plan; absent if it may be.
pub(crate) fn host(
    arena: &Arena<'_>,
    counts: &Counts<'_>,
    load: &Load,
    intent: &Intent,
    rules: &VersionRules,
    host: Id,
    job: &Job<'_>,
) -> Option<Blocked> {
    let id = arena.host_id(host);
    let row = at(&arena.hosts, host);
    let facts = arena.fleet.hosts.get(host)?;
    if facts.state == HostState::Down {
        let fix = format!("bring host `{id}` up");
        return Some(blocked(id, BlockedCode::State, &[("state", json!("down"))], fix));
    }
    if let Some(why) = version(rules, id, job, counts) {
        return Some(why);
    }
    if intent.canary == Some(0) {
        let fix = "raise `canary`".to_owned();
        return Some(blocked(id, BlockedCode::Budget, &[("canary", json!(0))], fix));
    }
    if let Some(limit) = intent.max_unavailable.get(row.pool) {
        let all = counts.out.get(row.pool).copied().unwrap_or(0);
        let out = all.saturating_sub(usize::from(!row.serves));
        if u64::from(*limit) < out as u64 + 1 {
            let numbers =
                [("pool", json!(row.pool)), ("max_unavailable", json!(limit)), ("out", json!(out))];
            let fix = format!("raise max_unavailable of pool `{}` to {}", row.pool, out + 1);
            return Some(blocked(id, BlockedCode::Budget, &numbers, fix));
        }
    }
    quorum(arena, load, host, id)
        .or_else(|| ceph(arena, host, id))
        .or_else(|| vms(arena, load, host, id))
}

/// Why a target cannot go to the versions that are wanted from those it has.
pub(crate) fn step(rules: &VersionRules, id: &str, job: &Job<'_>) -> Option<Blocked> {
    job.updates.iter().find_map(|(component, from, to)| {
        let from = (*from)?;
        let why = steps::forbidden(rules, component, from, to)?;
        let numbers = [("component", json!(component)), ("from", json!(from)), ("to", json!(to))];
        let fix = format!("choose another version: {why}");
        Some(blocked(id, BlockedCode::Version, &numbers, fix))
    })
}

/// Why a host cannot have the versions that are wanted.
fn version(rules: &VersionRules, id: &str, job: &Job<'_>, counts: &Counts<'_>) -> Option<Blocked> {
    if let Some(why) = step(rules, id, job) {
        return Some(why);
    }
    for (component, _, to) in &job.updates {
        let far = counts.ends.get(component).and_then(|e| steps::too_far(rules, component, to, e));
        if let Some((other, version, spread)) = far {
            let numbers = [
                ("component", json!(component)),
                ("to", json!(to)),
                ("other", json!(other)),
                ("version", json!(version)),
                ("may_differ_by", json!(spread)),
            ];
            let fix = format!("bring `{component}` on `{other}` nearer to `{to}` first");
            return Some(blocked(id, BlockedCode::Version, &numbers, fix));
        }
    }
    None
}

fn quorum(arena: &Arena<'_>, load: &Load, host: Id, id: &str) -> Option<Blocked> {
    let row = at(&arena.hosts, host);
    row.quorums.iter().filter_map(|n| arena.fleet.quorums.get(*n)).find_map(|quorum| {
        let here = |m: &&Member| arena.seat(m) == Some(Seat::Host(host));
        let mine = quorum.members.iter().filter(here).count();
        let out = out_elsewhere(arena, load, quorum, Seat::Host(host));
        let all = quorum.members.len();
        (mine > 1 || out > 0 || all < 3).then(|| {
            let numbers = [
                ("quorum", json!(quorum.id)),
                ("members", json!(all)),
                ("members_here", json!(mine)),
                ("out_elsewhere", json!(out)),
            ];
            let fix = if out == 0 {
                format!("add members to quorum `{}` on other hosts", quorum.id)
            } else {
                format!("bring all members of quorum `{}` into step", quorum.id)
            };
            blocked(id, BlockedCode::Quorum, &numbers, fix)
        })
    })
}

/// How many members of a quorum besides one are out whatever a plan does: not in step,
/// or on a host that is down. That one may be restarted or moved all the same: it is
/// out already.
fn out_elsewhere(arena: &Arena<'_>, load: &Load, quorum: &Quorum, own: Seat) -> usize {
    let down = |m: &Member| match arena.seat(m) {
        Some(Seat::Host(h)) => at(&arena.hosts, h).down,
        Some(Seat::Vm(v)) => at(&arena.hosts, *at(&load.place, v)).down,
        None => true,
    };
    let out = |m: &&Member| arena.seat(m) != Some(own) && (!quorum.synced.contains(m) || down(m));
    quorum.members.iter().filter(out).count()
}

fn ceph(arena: &Arena<'_>, host: Id, id: &str) -> Option<Blocked> {
    let ceph = arena.fleet.ceph.as_ref()?;
    let domains = &at(&arena.hosts, host).domains;
    if domains.is_empty() {
        return None;
    }
    if domains.len() > 1 {
        let numbers = [("failure_domains", json!(domains))];
        let fix = "give its OSDs one failure domain".to_owned();
        return Some(blocked(id, BlockedCode::Ceph, &numbers, fix));
    }
    let down = |osd: &str| {
        let on = arena.osds.get(osd);
        on.is_none_or(|h| *h == host || at(&arena.hosts, *h).down)
    };
    for pg in &ceph.pgs {
        let least = ceph.pools.iter().find(|p| p.id == pg.pool).map_or(u32::MAX, |p| p.min_size);
        let up = pg.acting.iter().filter(|o| !down(o)).count();
        if !pg.clean || (up as u64) < u64::from(least) {
            let numbers = [
                ("pg", json!(pg.id)),
                ("clean", json!(pg.clean)),
                ("up_without_it", json!(up)),
                ("min_size", json!(least)),
            ];
            let fix = format!("let pg `{}` recover, or give its pool more copies", pg.id);
            return Some(blocked(id, BlockedCode::Ceph, &numbers, fix));
        }
    }
    None
}

fn vms(arena: &Arena<'_>, load: &Load, host: Id, id: &str) -> Option<Blocked> {
    for &vm in arena.expected.get(&host).into_iter().chain(at(&load.on, host)) {
        let (name, row) = (arena.vm_id(vm), at(&arena.vms, vm));
        let facts = arena.fleet.vms.get(vm)?;
        if row.kind.is_none() {
            let mut numbers = vec![("vm", json!(name)), ("state", json!(facts.state))];
            numbers.extend(facts.reason.as_ref().map(|reason| ("reason", json!(reason))));
            numbers.extend(facts.migrating_to.as_ref().map(|to| ("moving_to", json!(to))));
            let fix = match &facts.migrating_to {
                Some(_) => format!("wait until vm `{name}` has moved"),
                None => format!("move or stop vm `{name}` by hand, or accept its restart"),
            };
            return Some(blocked(id, BlockedCode::NotMigratable, &numbers, fix));
        }
        if row.together {
            let group = arena.fleet.groups.iter().find(|g| {
                g.policy == tidegate_model::fleet::GroupPolicy::Affinity
                    && g.members.len() > 1
                    && g.members.iter().any(|m| m == name)
            });
            let numbers = [("vm", json!(name)), ("group", json!(group.map(|g| &g.id)))];
            let fix = format!("take vm `{name}` out of its group, or stop the group");
            return Some(blocked(id, BlockedCode::Affinity, &numbers, fix));
        }
        for quorum in row.one_by_one.iter().filter_map(|n| arena.fleet.quorums.get(*n)) {
            let out = out_elsewhere(arena, load, quorum, Seat::Vm(vm));
            let all = quorum.members.len();
            if out > 0 || all < 3 {
                let numbers = [
                    ("quorum", json!(quorum.id)),
                    ("vm", json!(name)),
                    ("members", json!(all)),
                    ("out_elsewhere", json!(out)),
                ];
                let fix = format!("bring quorum `{}` to three members in step", quorum.id);
                return Some(blocked(id, BlockedCode::Quorum, &numbers, fix));
            }
        }
        let homes = arena.other_homes(vm);
        if homes == 0 {
            let numbers = [("vm", json!(name)), ("hosts", json!(0))];
            let fix = format!("add a host with the traits and aggregates of vm `{name}`");
            return Some(blocked(id, BlockedCode::Compatibility, &numbers, fix));
        }
        for group in &row.apart {
            let Some(facts) = arena.fleet.groups.get(*group) else { continue };
            if let Some(seats) = seats::short(arena, load, *group, host) {
                let numbers = [
                    ("vm", json!(name)),
                    ("group", json!(facts.id)),
                    ("members", json!(facts.members.len())),
                    ("seats", json!(seats)),
                ];
                let fix = format!("remove a member of group `{}`, or add a host", facts.id);
                return Some(blocked(id, BlockedCode::AntiAffinity, &numbers, fix));
            }
        }
    }
    None
}
