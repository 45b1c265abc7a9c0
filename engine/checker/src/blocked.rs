//! Whether what is said to be blocked is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use tidegate_model::Timestamp;
use tidegate_model::fleet::HostState;
use tidegate_model::plan::{Blocked, BlockedCode, Op, Plan};
use tidegate_model::versions::VersionRules;

use crate::ground::{Ground, Place, movable, serves};
use crate::state::State;
use crate::{Invariant, Violation, pods, skew, versions, waves};

/// That each reason holds, as far as it can be told without planning.
pub(crate) fn check(
    ground: &Ground<'_>,
    plan: &Plan,
    rules: &VersionRules,
    ends: &[Timestamp],
) -> Result<(), Violation> {
    if plan.blocked.is_empty() {
        return Ok(());
    }
    let state = State::new(ground);
    let end = ended(ground, plan);
    let soak = SignedDuration::from_secs(i64::try_from(ground.intent.soak_s).unwrap_or(i64::MAX));
    let done = ends.last().map(|end| end.checked_add(soak).unwrap_or(Timestamp::MAX));
    let done = done.unwrap_or(ground.fleet.taken_at);
    for blocked in &plan.blocked {
        let wrong = |problem: String| {
            let (invariant, wave, step) = (Invariant::Blocked, None, None);
            Err(Violation { invariant, wave, step, problem })
        };
        if !ground.wanted.contains_key(blocked.target.as_str()) {
            return wrong(format!("`{}` is no target of the intent", blocked.target));
        }
        if !holds(ground, [&state, &end], plan, rules, (blocked, done)) {
            return wrong(
                format!(
                    "`{}` is said to be blocked by {:?}, and is not",
                    blocked.target, blocked.code
                )
                .to_lowercase(),
            );
        }
    }
    Ok(())
}

/// Where everything is when the plan is done.
fn ended<'g>(ground: &'g Ground<'g>, plan: &'g Plan) -> State<'g> {
    let mut state = State::new(ground);
    let host = |id: &Option<String>| ground.hosts.get(id.as_deref()?).copied();
    for step in plan.waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Migrate) {
        let vm = step.vm.as_deref().and_then(|v| ground.vms.get(v).copied());
        if let (Some(vm), Some(from), Some(to)) = (vm, host(&step.from), host(&step.to)) {
            state.leave(vm, from);
            state.arrive(vm, to);
            state.place[vm] = to;
        }
    }
    for step in plan.waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Evict) {
        let node = step.to.as_deref().and_then(|to| ground.nodes.get(to)).copied();
        if let Some(&pod) = step.pod.as_deref().and_then(|p| ground.pods.get(p)) {
            state.evicted.insert(pod, node);
        }
    }
    for step in plan.waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Update) {
        let target = step.host.as_deref().or(step.node.as_deref());
        if let (Some(target), Some(component), Some(version)) =
            (target, step.component.as_deref(), step.version.as_deref())
        {
            state.versions.insert((target, component), version);
        }
    }
    state
}

fn holds(
    ground: &Ground<'_>,
    [state, end]: [&State<'_>; 2],
    plan: &Plan,
    rules: &VersionRules,
    (blocked, done): (&Blocked, Timestamp),
) -> bool {
    let target = blocked.target.as_str();
    let host = ground.hosts.get(target).copied();
    let vms = || {
        let here = move |v: &usize| Some(state.place[*v]) == host;
        (0..ground.fleet.vms.len()).filter(here)
    };
    let fits = |vm: usize| {
        let other = move |h: &usize| Some(*h) != host && serves(ground.host(*h));
        let fit = move |h: &usize| ground.unfit(vm, *h).is_none();
        (0..ground.fleet.hosts.len()).filter(other).filter(fit)
    };
    match blocked.code {
        BlockedCode::NotMigratable => {
            vms().any(|vm| movable(ground.vm(vm)).is_none())
                || ground.fleet.vms.iter().any(|v| v.migrating_to.as_deref() == Some(target))
        }
        BlockedCode::Compatibility => vms().any(|vm| fits(vm).next().is_none()),
        BlockedCode::Affinity => vms().any(|vm| ground.together[vm]),
        BlockedCode::AntiAffinity => host.is_some_and(|host| {
            let groups = vms().flat_map(|vm| ground.apart[vm].iter().copied());
            groups.collect::<BTreeSet<usize>>().into_iter().any(|g| !seats(ground, state, g, host))
        }),
        BlockedCode::Capacity => {
            // Drained first it may fit, and leave no room for another target.
            host.is_none_or(|host| !drains(ground, state, host) || !drains(ground, end, host))
        }
        BlockedCode::Quorum => ground.fleet.quorums.iter().any(|quorum| {
            let of_host = |m: &tidegate_model::fleet::Member| match ground.member(m) {
                Some(Place::Host(h)) => Some(h) == host,
                Some(Place::Vm(vm)) => Some(state.place[vm]) == host,
                None => false,
            };
            let down = |m: &tidegate_model::fleet::Member| match ground.member(m) {
                Some(Place::Host(h)) => state.is_down(h),
                Some(Place::Vm(vm)) => state.is_down(state.place[vm]),
                None => true,
            };
            let gone = |m: &&tidegate_model::fleet::Member| !quorum.synced.contains(m) || down(m);
            let out = quorum.members.iter().filter(gone).count();
            quorum.members.iter().any(of_host) && (quorum.members.len() < 3 || out > 0)
                || quorum.members.iter().filter(|m| of_host(m)).count() > 1
        }),
        BlockedCode::Pdb => ground.fleet.kubernetes.as_ref().is_some_and(|cluster| {
            let leaving: BTreeSet<&str> =
                pods::leaving(cluster, state, target).map(|p| p.id.as_str()).collect();
            let covers = |pod: &str| {
                cluster.pdbs.iter().filter(|p| p.pods.iter().any(|id| id == pod)).count()
            };
            // All that leaves a node is evicted in one wave.
            let spent = |pdb: &tidegate_model::fleet::Pdb| {
                let here = pdb.pods.iter().filter(|p| leaving.contains(p.as_str())).count();
                here as u64 > u64::from(pdb.disruptions_allowed)
            };
            leaving.iter().any(|pod| covers(pod) > 1) || cluster.pdbs.iter().any(spent)
        }),
        BlockedCode::Pods => {
            host.is_some()
                || [state, end].into_iter().any(|at| !pods::drains(ground, at, target))
                || elsewhere(ground, plan)
        }
        BlockedCode::Ceph => ground.fleet.ceph.as_ref().is_some_and(|ceph| {
            let down = |h: &str| ground.hosts.get(h).is_none_or(|h| state.is_down(*h));
            let without = |o: &&tidegate_model::fleet::Osd| o.host == target || down(&o.host);
            let gone: BTreeSet<&str> =
                ceph.osds.iter().filter(without).map(|o| o.id.as_str()).collect();
            let has = ceph.osds.iter().any(|o| o.host == target);
            let least = |pool: &str| ceph.pools.iter().find(|p| p.id == pool).map(|p| p.min_size);
            has && ceph.pgs.iter().any(|pg| {
                let up = pg.acting.iter().filter(|o| !gone.contains(o.as_str())).count();
                !pg.clean || (up as u64) < least(&pg.pool).map_or(u64::MAX, u64::from)
            })
        }),
        BlockedCode::Version => {
            let mut wanted = ground.wanted.get(target).into_iter().flatten();
            let cluster = ground.node(target).map_or("", |n| n.cluster.as_str());
            let refused = wanted.any(|want| {
                let step = match state.version(target, want.component) {
                    Some(from) => versions::refused(rules, want.component, from, want.to).is_some(),
                    None => ground.holders.contains_key(&(cluster, want.component)),
                };
                step || versions::beside(ground.fleet, rules, want.component, want.to).is_some()
            });
            refused
                || skew::refuses(ground, state, rules, target)
                    && (skew::refuses(ground, end, rules, target) || elsewhere(ground, plan))
        }
        BlockedCode::Order => {
            let others = plan.blocked.iter().filter(|b| b.target != target).map(|b| &b.target);
            let named = |id: &String| {
                blocked.numbers.values().any(|v| v.as_str() == Some(id))
                    || blocked.numbers.contains_key(id)
            };
            // Or it leads a quorum in which the one it waits for is a target, too.
            let leads = |q: &&tidegate_model::fleet::Quorum| {
                let leader = q.leader.as_ref().and_then(|l| ground.member(l));
                host.is_some() && leader == host.map(Place::Host)
            };
            let mut members =
                ground.fleet.quorums.iter().filter(leads).flat_map(|q| &q.members).filter_map(
                    |m| match m {
                        tidegate_model::fleet::Member::Host(id) if id != target => Some(id),
                        tidegate_model::fleet::Member::Host(_)
                        | tidegate_model::fleet::Member::Vm(_) => None,
                    },
                );
            // Or the one that leads it went before.
            let behind = ground.fleet.quorums.iter().any(|q| {
                let of = |m: &tidegate_model::fleet::Member| {
                    host.is_some() && ground.member(m) == host.map(Place::Host)
                };
                let Some(tidegate_model::fleet::Member::Host(leader)) = &q.leader else {
                    return false;
                };
                let went = plan.waves.iter().any(|w| w.targets.contains(leader));
                leader != target && went && named(leader) && q.members.iter().any(of)
            });
            behind
                || others.into_iter().any(named)
                || members.any(|id| named(id) && ground.wanted.contains_key(id.as_str()))
        }
        BlockedCode::State => host.is_none_or(|h| ground.host(h).state != HostState::Up),
        BlockedCode::Window => {
            let bounded = !ground.intent.windows.is_empty() || !ground.intent.freezes.is_empty();
            bounded && (elsewhere(ground, plan) || !in_time(ground, end, target, done))
        }
        BlockedCode::Budget => {
            let nodes = ground.fleet.kubernetes.iter().flat_map(|k| &k.nodes);
            let cluster = nodes.filter(|n| n.id == target).map(|n| n.cluster.as_str()).next();
            let pool = host.map(|h| ground.host(h).pool.as_str()).or(cluster);
            let limit = pool.and_then(|p| ground.intent.max_unavailable.get(p));
            limit.is_some_and(|limit| {
                let others = ground.fleet.hosts.iter().filter(|h| Some(h.pool.as_str()) == pool);
                let out = others.filter(|h| h.id != target && !serves(h)).count() as u64;
                out + 1 > u64::from(*limit)
            }) || ground.intent.canary == Some(0)
        }
    }
}

/// Whether all members of a group that keeps apart could be on hosts other than
/// one, room aside: each round gives more of them a host, and ends when none
/// does (a greatest flow from members to hosts).
fn seats(ground: &Ground<'_>, state: &State<'_>, group: usize, without: usize) -> bool {
    let Some(facts) = ground.fleet.groups.get(group) else { return true };
    let members: Vec<usize> =
        facts.members.iter().filter_map(|m| ground.vms.get(m.as_str()).copied()).collect();
    let fits = |vm: usize, host: usize| {
        let stays = state.place[vm] == host;
        let goes = movable(ground.vm(vm)).is_some() && serves(ground.host(host));
        host != without && (stays || goes && ground.unfit(vm, host).is_none())
    };
    let limit = |host: usize| {
        let now = members.iter().filter(|m| state.place[**m] == host).count();
        now.max(facts.max_per_host as usize)
    };
    // By host: the members that have it.
    let mut on: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &member in &members {
        // A way from the member over hosts that are full to one that is not.
        let mut came: BTreeMap<usize, (usize, Option<usize>)> = BTreeMap::new();
        let mut queue: std::collections::VecDeque<(usize, Option<usize>)> = [(member, None)].into();
        let mut free = None;
        while let Some((vm, over)) = queue.pop_front().filter(|_| free.is_none()) {
            for host in (0..ground.fleet.hosts.len()).filter(|h| fits(vm, *h)) {
                if came.contains_key(&host) {
                    continue;
                }
                came.insert(host, (vm, over));
                let there = on.get(&host).map(Vec::as_slice).unwrap_or_default();
                if there.len() < limit(host) {
                    free = Some(host);
                    break;
                }
                queue.extend(there.iter().map(|other| (*other, Some(host))));
            }
        }
        let Some(mut host) = free else { return false };
        while let Some((vm, over)) = came.get(&host).copied() {
            on.entry(host).or_default().push(vm);
            let Some(before) = over else { break };
            on.entry(before).or_default().retain(|other| *other != vm);
            host = before;
        }
    }
    true
}

/// Whether the plan goes on in other zones, one after the other: the turn of a
/// zone is then over when the plan ends.
fn elsewhere(ground: &Ground<'_>, plan: &Plan) -> bool {
    let of =
        |w: &tidegate_model::plan::Wave| w.targets.first().and_then(|t| ground.zone_of_target(t));
    let zones: BTreeSet<Option<&str>> = plan.waves.iter().map(of).collect();
    ground.intent.one_zone_at_a_time && zones.len() > 1
}

/// Whether a target could be done in one more wave at the end of the plan, what
/// is on it moved away one after the other.
fn in_time(ground: &Ground<'_>, end: &State<'_>, target: &str, done: Timestamp) -> bool {
    let host = ground.hosts.get(target).copied();
    let here = |vm: &usize| Some(end.place[*vm]) == host;
    let vms = (0..ground.fleet.vms.len()).filter(here).count() as u64;
    let times = &ground.intent.durations;
    let wanted = ground.wanted.get(target);
    let restarts = wanted.is_some_and(|w| w.iter().any(|want| want.reboot));
    let seconds = vms.saturating_mul(times.migrate_s)
        + times.update_s
        + if restarts { times.reboot_s } else { 0 };
    let drains = match host {
        Some(host) => drains(ground, end, host),
        None => pods::drains(ground, end, target),
    };
    drains && waves::has_room(ground, target, done, seconds)
}

/// Whether what is on a host fits elsewhere as things stand, the largest first, each where least is left over, and headroom stays.
fn drains(ground: &Ground<'_>, state: &State<'_>, host: usize) -> bool {
    let classes = ground.classes.len();
    let mut vms: Vec<usize> =
        (0..ground.fleet.vms.len()).filter(|v| state.place[*v] == host).collect();
    let total = |vm: usize| (0..classes).map(|c| ground.demand(vm, c)).sum::<i64>();
    vms.sort_by_key(|vm| std::cmp::Reverse(total(*vm)));
    let mut taken: BTreeMap<(usize, usize), i64> = Default::default();
    let mut joined: BTreeMap<(usize, usize), u32> = Default::default();
    for vm in vms {
        let left = |h: usize, c: usize| {
            let more = taken.get(&(h, c)).copied().unwrap_or(0);
            ground.usable(h, c) - state.load(h, c) - more - ground.demand(vm, c)
        };
        let apart = |h: usize| {
            ground.apart[vm].iter().all(|&g| {
                let limit = ground.fleet.groups.get(g).map_or(0, |g| g.max_per_host);
                state.members(g, h) + joined.get(&(g, h)).copied().unwrap_or(0) < limit
            })
        };
        let takes = |h: &usize| {
            *h != host
                && state.takes(*h)
                && ground.unfit(vm, *h).is_none()
                && (0..classes).all(|c| ground.demand(vm, c) == 0 || left(*h, c) >= 0)
                && apart(*h)
        };
        let spare = |h: &usize| (0..classes).map(|c| left(*h, c)).sum::<i64>();
        // What may leave its zone does so only where the zone has no room.
        let away = |h: &usize| ground.zone_of[*h] != ground.zone_of[host];
        let hosts = (0..ground.fleet.hosts.len()).filter(takes);
        let Some(to) = hosts.min_by_key(|h| (away(h), spare(h))) else {
            return false;
        };
        for class in 0..classes {
            *taken.entry((to, class)).or_default() += ground.demand(vm, class);
        }
        for &group in &ground.apart[vm] {
            *joined.entry((group, to)).or_default() += 1;
        }
    }
    headroom(ground, state, host, &taken)
}

/// Whether C2 holds with one host out of service and its load on others.
fn headroom(
    ground: &Ground<'_>,
    state: &State<'_>,
    out: usize,
    taken: &BTreeMap<(usize, usize), i64>,
) -> bool {
    let zone = ground.zone_of[out];
    let spare = usize::try_from(ground.intent.spare_hosts).unwrap_or(usize::MAX);
    (0..ground.classes.len()).all(|class| {
        let (mut usable, mut load, mut whole) = (0_i64, 0_i64, 0_i64);
        let mut sizes = Vec::new();
        for host in (0..ground.fleet.hosts.len()).filter(|h| ground.zone_of[*h] == zone) {
            let size = ground.usable(host, class);
            whole += if ground.host(host).state == HostState::Down { 0 } else { size };
            if host != out && state.takes(host) {
                usable += size;
                load += state.load(host, class) + taken.get(&(host, class)).copied().unwrap_or(0);
                sizes.push(size);
            }
        }
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let largest: i64 = if spare == 0 { 0 } else { sizes.iter().take(spare).sum() };
        #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
        let wanted = (whole as f64 * ground.intent.headroom - 1e-6).ceil() as i64;
        whole == 0 || (usable - load >= wanted && usable - largest >= load)
    })
}
