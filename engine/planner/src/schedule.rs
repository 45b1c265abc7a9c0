//! Writes a wave down: which migrations run at the same time, and what is done
//! to each target, step by step.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::plan::{Op, Step, Wave};

use crate::arena::{Arena, Id, at, at_mut};
use crate::select::Job;
use crate::zone::Draft;

/// A step with nothing said of it yet.
pub(crate) fn step(id: String, phase: u32, op: Op) -> Step {
    Step {
        id,
        phase,
        op,
        host: None,
        node: None,
        osd: None,
        vm: None,
        pod: None,
        from: None,
        to: None,
        kind: None,
        component: None,
        version: None,
    }
}

/// In which phase of its wave, from 0, each migration runs: as early as the
/// limits of both hosts allow, longest queue first, and none together with
/// another of its quorum or control plane.
///
/// Source: list scheduling by longest processing time; Graham 1969.
fn phases(arena: &Arena<'_>, moves: &[(Id, Id, Id)]) -> Vec<usize> {
    let hosts = arena.hosts.len();
    let mut queue = vec![0_u32; hosts];
    for (_, from, _) in moves {
        *at_mut(&mut queue, *from) += 1;
    }
    let mut order: Vec<usize> = (0..moves.len()).collect();
    order.sort_by_key(|n| {
        let (vm, from, _) = at(moves, *n);
        (std::cmp::Reverse(*at(&queue, *from)), *from, *vm)
    });
    let (mut out, mut into) = (vec![Lane::default(); hosts], vec![Lane::default(); hosts]);
    let mut alone: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut found = vec![0; moves.len()];
    for n in order {
        let (vm, from, to) = *at(moves, n);
        let limit_out = at(&arena.hosts, from).max_out.max(1);
        let limit_in = at(&arena.hosts, to).max_in.max(1);
        let groups = &at(&arena.vms, vm).one_by_one;
        let free = |phase: &usize| {
            at(&out, from).has_room(*phase, limit_out)
                && at(&into, to).has_room(*phase, limit_in)
                && groups.iter().all(|g| !alone.get(g).is_some_and(|p| p.contains(phase)))
        };
        let first = at(&out, from).first.max(at(&into, to).first);
        let phase = (first..).find(free).unwrap_or(first);
        at_mut(&mut out, from).take(phase, limit_out);
        at_mut(&mut into, to).take(phase, limit_in);
        for group in groups {
            alone.entry(*group).or_default().insert(phase);
        }
        *at_mut(&mut found, n) = phase;
    }
    found
}

/// The phase of each of some moves that depend on each other, from 0: each when
/// what must leave its destination before has left, and not before it stands
/// where it moves from.
fn in_order(arena: &Arena<'_>, moves: &[(Id, Id, Id)]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::with_capacity(moves.len());
    for (n, &(vm, from, to)) in moves.iter().enumerate() {
        let before = || moves.iter().take(n).zip(&found);
        let after = before().filter(|((v, f, _), _)| *f == to || *v == vm).map(|(_, p)| p + 1);
        let first = after.max().unwrap_or(0);
        let groups = &at(&arena.vms, vm).one_by_one;
        let free = |phase: &usize| {
            let now = || before().filter(|(_, p)| *p == phase).map(|(m, _)| m);
            let (out, into) =
                (now().filter(|m| m.1 == from).count(), now().filter(|m| m.2 == to).count());
            let alone =
                now().all(|m| at(&arena.vms, m.0).one_by_one.iter().all(|g| !groups.contains(g)));
            let limit = |n: u32| n.max(1) as usize;
            out < limit(at(&arena.hosts, from).max_out)
                && into < limit(at(&arena.hosts, to).max_in)
                && alone
        };
        found.push((first..).find(free).unwrap_or(first));
    }
    found
}

/// How many migrations a host has in each phase, in one direction.
#[derive(Debug, Clone, Default)]
struct Lane {
    counts: Vec<u32>,
    /// No phase before this one has room.
    first: usize,
}

impl Lane {
    fn has_room(&self, phase: usize, limit: u32) -> bool {
        self.counts.get(phase).is_none_or(|count| *count < limit)
    }

    fn take(&mut self, phase: usize, limit: u32) {
        if self.counts.len() <= phase {
            self.counts.resize(phase + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(phase) {
            *count += 1;
        }
        while self.counts.get(self.first).is_some_and(|count| *count >= limit) {
            self.first += 1;
        }
    }
}

/// Writes a wave of hosts.
pub(crate) fn wave<'f>(
    arena: &Arena<'f>,
    jobs: &BTreeMap<&'f str, Job<'f>>,
    n: u32,
    draft: &Draft,
    soak_s: u64,
) -> Wave {
    let mut hosts = draft.hosts.clone();
    hosts.sort_by_key(|h| arena.host_id(*h));
    let mut steps: Vec<Step> = Vec::new();
    let mut phase = 1_u32;
    let all = |steps: &mut Vec<Step>, phase: u32, op: Op, name: &str| {
        for host in &hosts {
            let id = arena.host_id(*host);
            let step = step(format!("{n}/{name}/{id}"), phase, op);
            steps.push(Step { host: Some(id.to_owned()), ..step });
        }
    };
    let (early, late) = draft.moves.split_at(draft.early.min(draft.moves.len()));
    let mut again: BTreeMap<Id, u32> = BTreeMap::new();
    let mut moves =
        |steps: &mut Vec<Step>, phase: u32, moves: &[(Id, Id, Id)], found: Vec<usize>| {
            let mut moves: Vec<(usize, &(Id, Id, Id))> = found.into_iter().zip(moves).collect();
            moves.sort_by_key(|(phase, (vm, _, _))| (*phase, arena.vm_id(*vm)));
            let last = moves.last().map_or(0, |(p, _)| p + 1);
            for (after, (vm, from, to)) in moves {
                let id = arena.vm_id(*vm);
                let times = again.entry(*vm).or_default();
                *times += 1;
                // Few move twice in one wave; the second time has a number.
                let times = if *times > 1 { format!("/{times}") } else { String::new() };
                let run = phase.saturating_add(u32::try_from(after).unwrap_or(u32::MAX));
                steps.push(Step {
                    vm: Some(id.to_owned()),
                    from: Some(arena.host_id(*from).to_owned()),
                    to: Some(arena.host_id(*to).to_owned()),
                    kind: at(&arena.vms, *vm).kind,
                    ..step(format!("{n}/migrate/{id}{times}"), run, Op::Migrate)
                });
            }
            phase.saturating_add(u32::try_from(last).unwrap_or(u32::MAX))
        };
    phase = moves(&mut steps, phase, early, in_order(arena, early));
    all(&mut steps, phase, Op::Cordon, "cordon");
    phase = moves(&mut steps, phase + 1, late, phases(arena, late));
    all(&mut steps, phase, Op::Stop, "stop");
    let components: Vec<&str> = components(jobs, hosts.iter().map(|h| arena.host_id(*h)));
    for component in components {
        phase += 1;
        for host in &hosts {
            let id = arena.host_id(*host);
            let job = jobs.get(id).map(|j| j.updates.as_slice()).unwrap_or_default();
            for (_, from, to) in job.iter().filter(|u| u.0 == component) {
                steps.push(Step {
                    host: Some(id.to_owned()),
                    from: from.map(str::to_owned),
                    to: Some((*to).to_owned()),
                    component: Some(component.to_owned()),
                    version: Some((*to).to_owned()),
                    ..step(format!("{n}/update/{id}/{component}"), phase, Op::Update)
                });
            }
        }
    }
    let restarts = |h: &&Id| jobs.get(arena.host_id(**h)).is_some_and(|j| j.reboot);
    if hosts.iter().any(|h| restarts(&h)) {
        phase += 1;
        for host in hosts.iter().filter(restarts) {
            let id = arena.host_id(*host);
            let step = step(format!("{n}/reboot/{id}"), phase, Op::Reboot);
            steps.push(Step { host: Some(id.to_owned()), ..step });
        }
    }
    for (op, name) in [(Op::Start, "start"), (Op::Verify, "verify"), (Op::Uncordon, "uncordon")] {
        phase += 1;
        all(&mut steps, phase, op, name);
    }
    Wave {
        n,
        zone: arena.fleet.zones.get(draft.zone).cloned(),
        targets: hosts.iter().map(|h| arena.host_id(*h).to_owned()).collect(),
        reads: reads(arena, draft),
        steps,
        window: None,
        soak_s,
    }
}

/// The components that targets get, each once: of each target in the order of its job.
pub(crate) fn components<'f>(
    jobs: &BTreeMap<&'f str, Job<'f>>,
    targets: impl Iterator<Item = &'f str>,
) -> Vec<&'f str> {
    let of = |job: &Job<'f>| job.updates.iter().map(|u| u.0).collect();
    let orders: BTreeSet<Vec<&str>> = targets.filter_map(|t| jobs.get(t)).map(of).collect();
    let mut all: Vec<&str> = Vec::new();
    // Jobs are in the order of one table, so that there always is one that nothing else
    // has to come before.
    let is_next = |component: &&&str, all: &Vec<&str>| {
        let mut before = orders.iter().filter_map(|order| {
            order.split(|other| other == *component).next().filter(|b| b.len() < order.len())
        });
        !all.contains(*component) && before.all(|b| b.iter().all(|other| all.contains(other)))
    };
    while let Some(next) = orders.iter().flatten().find(|c| is_next(c, &all)) {
        all.push(next);
    }
    all
}

/// What the wave depends on: every host of its zone (headroom counts them all),
/// what it moves, and the groups and quorums of that.
fn reads(arena: &Arena<'_>, draft: &Draft) -> Vec<String> {
    let mut reads: Vec<String> = Vec::new();
    for (host, row) in arena.hosts.iter().enumerate() {
        if row.zone == draft.zone {
            reads.push(format!("host/{}", arena.host_id(host)));
        }
    }
    let quorum = |n: &usize| arena.fleet.quorums.get(*n).map(|q| format!("quorum/{}", q.id));
    for host in &draft.hosts {
        let row = at(&arena.hosts, *host);
        reads.extend(row.quorums.iter().filter_map(quorum));
    }
    for (vm, _, to) in &draft.moves {
        let row = at(&arena.vms, *vm);
        reads.push(format!("vm/{}", arena.vm_id(*vm)));
        reads.push(format!("host/{}", arena.host_id(*to)));
        reads.extend(row.one_by_one.iter().filter_map(quorum));
        let groups = row.apart.iter().filter_map(|g| arena.fleet.groups.get(*g));
        reads.extend(groups.map(|g| format!("group/{}", g.id)));
    }
    let mine = |h: &Id| draft.hosts.contains(h);
    reads.extend(arena.osds.iter().filter(|(_, h)| mine(h)).map(|(o, _)| format!("osd/{o}")));
    reads.sort_unstable();
    reads.dedup();
    reads
}
