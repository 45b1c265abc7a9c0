//! Replays a plan, phase by phase, and judges each phase by the worst of all
//! the states that its steps can leave: any subset of them not begun, half done
//! or done.
//!
//! For every invariant that worst state has a closed form: what comes to a host
//! counts, what leaves it counts still; what is being stopped is down, what is
//! being started is not yet up; what is being cordoned takes nothing any more,
//! what is being uncordoned does not yet.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tidegate_model::plan::{MoveKind, Op, Plan, Step, Wave};
use tidegate_model::versions::VersionRules;

use crate::ground::{Ground, movable};
use crate::state::State;
use crate::table::Table;
use crate::{Invariant, Violation, capacity, ceph, order, pods, quorum, skew, versions};

/// A phase, read and understood.
#[derive(Default)]
pub(crate) struct Phase<'p> {
    /// Virtual machine, from, to.
    pub(crate) moves: Vec<(usize, usize, usize, &'p Step)>,
    /// Hosts that are being stopped or restarted.
    pub(crate) stops: BTreeMap<usize, &'p Step>,
    /// Nodes that are no hosts, and are restarted.
    pub(crate) restarts: Vec<(&'p str, &'p Step)>,
    pub(crate) verifies: BTreeSet<usize>,
    pub(crate) cordons: BTreeSet<usize>,
    pub(crate) uncordons: BTreeSet<usize>,
    pub(crate) cordoned_nodes: BTreeSet<usize>,
    pub(crate) uncordoned_nodes: BTreeSet<usize>,
    /// Pod and the node that is named for it.
    pub(crate) evicts: Vec<(usize, Option<usize>, &'p Step)>,
    /// Target, component, version.
    pub(crate) updates: Vec<(&'p str, &'p str, &'p str, &'p Step)>,
}

/// What one wave has done so far.
pub(crate) struct Course<'g, 'p> {
    pub(crate) ground: &'g Ground<'g>,
    pub(crate) rules: &'g VersionRules,
    pub(crate) wave: &'p Wave,
    /// Its targets.
    pub(crate) targets: HashSet<&'p str>,
}

impl Course<'_, '_> {
    pub(crate) fn broken(
        &self,
        invariant: Invariant,
        step: Option<&Step>,
        problem: impl Into<String>,
    ) -> Violation {
        let step = step.map(|s| s.id.clone());
        Violation { invariant, wave: Some(self.wave.n), step, problem: problem.into() }
    }
}

/// Replays every wave; gives the seconds that each takes.
pub(crate) fn replay<'g>(
    ground: &'g Ground<'g>,
    plan: &'g Plan,
    rules: &'g VersionRules,
) -> Result<Vec<u64>, Violation> {
    let mut state = State::new(ground);
    let steps = plan.waves.iter().map(|w| w.steps.len()).sum();
    let mut seen: HashSet<&str> = HashSet::with_capacity(steps);
    let mut leaders = quorum::Leaders::default();
    let mut seconds = Vec::with_capacity(plan.waves.len());
    for wave in &plan.waves {
        let targets = wave.targets.iter().map(String::as_str).collect();
        let course = Course { ground, rules, wave, targets };
        for step in &wave.steps {
            if !seen.insert(&step.id) {
                let text = format!("two steps have the id `{}`", step.id);
                return Err(course.broken(Invariant::Form, Some(step), text));
            }
            if step.phase == 0 {
                let text = "phases count from 1";
                return Err(course.broken(Invariant::Form, Some(step), text));
            }
        }
        leaders.wave(&course)?;
        let mut phases: BTreeMap<u32, Vec<&Step>> = BTreeMap::new();
        for step in &wave.steps {
            phases.entry(step.phase).or_default().push(step);
        }
        let mut room = capacity::Room::new(&course, &state);
        let mut rates = Rates::new(ground);
        let mut evictions = pods::Evictions::default();
        let mut order = order::Order::default();
        let (mut moving_phases, mut updates, mut restarts) = (0, false, false);
        for steps in phases.values() {
            let phase = read(&course, steps)?;
            order.phase(&course, &state, steps)?;
            moves(&course, &state, &phase)?;
            rates.phase(&course, &phase)?;
            hosts(&course, &state, &phase)?;
            room.phase(&course, &mut state, &phase)?;
            quorum::phase(&course, &state, &phase)?;
            ceph::phase(&course, &state, &phase)?;
            evictions.phase(&course, &state, &phase)?;
            versions::phase(&course, &state, &phase)?;
            skew::phase(&course, &state, &phase)?;
            moving_phases += u64::from(!phase.moves.is_empty());
            updates |= !phase.updates.is_empty();
            restarts |= steps.iter().any(|s| s.op == Op::Reboot);
            apply(&mut state, &phase);
        }
        ended(&course, &state, &order)?;
        let times = &ground.intent.durations;
        let update = if updates { times.update_s } else { 0 };
        let restart = if restarts { times.reboot_s } else { 0 };
        seconds.push(moving_phases * times.migrate_s + update + restart);
    }
    Ok(seconds)
}

/// Reads the steps of a phase; what they name must be there, and no two of them
/// may be about one thing in a way that their order would matter.
fn read<'p>(course: &Course<'p, 'p>, steps: &[&'p Step]) -> Result<Phase<'p>, Violation> {
    let ground = course.ground;
    let mut phase = Phase::default();
    for step in steps {
        let form = |text: String| course.broken(Invariant::Form, Some(step), text);
        let lacks = |what: &str| form(format!("it is {} and has no `{what}`", step.op.name()));
        let unknown = |what: &str, id: &str| form(format!("there is no {what} `{id}`"));
        let host_of = |id: &'p str| ground.hosts.get(id).copied().ok_or(unknown("host", id));
        let host = || host_of(step.host.as_deref().ok_or_else(|| lacks("host"))?);
        let node = |id: &'p str| ground.nodes.get(id).copied().ok_or(unknown("node", id));
        match step.op {
            Op::Cordon | Op::Uncordon => {
                let on = step.op == Op::Cordon;
                if let Some(id) = &step.node {
                    let set =
                        if on { &mut phase.cordoned_nodes } else { &mut phase.uncordoned_nodes };
                    set.insert(node(id)?);
                } else {
                    let set = if on { &mut phase.cordons } else { &mut phase.uncordons };
                    set.insert(host()?);
                }
            }
            Op::Migrate => {
                let id = step.vm.as_deref().ok_or_else(|| lacks("vm"))?;
                let vm = ground.vms.get(id).copied().ok_or_else(|| unknown("vm", id))?;
                let from = host_of(step.from.as_deref().ok_or_else(|| lacks("from"))?)?;
                let to = host_of(step.to.as_deref().ok_or_else(|| lacks("to"))?)?;
                phase.moves.push((vm, from, to, step));
            }
            Op::Evict => {
                let id = step.pod.as_deref().ok_or_else(|| lacks("pod"))?;
                let pod = ground.pods.get(id).copied().ok_or_else(|| unknown("pod", id))?;
                let to = step.to.as_deref().map(node).transpose()?;
                phase.evicts.push((pod, to, step));
            }
            Op::Reboot if let Some(id) = &step.node => {
                node(id)?;
                phase.restarts.push((id, step));
            }
            Op::Stop | Op::Reboot => {
                phase.stops.insert(host()?, step);
            }
            Op::Start => {
                host()?;
            }
            Op::Verify => {
                if let Some(id) = &step.node {
                    node(id)?;
                } else {
                    phase.verifies.insert(host()?);
                }
            }
            Op::Update => {
                let target = match (&step.host, &step.node) {
                    (Some(id), None) => ground.host(host_of(id)?).id.as_str(),
                    (None, Some(id)) => {
                        node(id)?;
                        id
                    }
                    (Some(_), Some(_)) | (None, None) => return Err(lacks("host or node")),
                };
                let component = step.component.as_deref().ok_or_else(|| lacks("component"))?;
                let version = step.version.as_deref().or(step.to.as_deref());
                let version = version.ok_or_else(|| lacks("version"))?;
                phase.updates.push((target, component, version, step));
            }
        }
    }
    Ok(phase)
}

/// C3, C4, C6, and that both ends are there.
fn moves(course: &Course<'_, '_>, state: &State<'_>, phase: &Phase<'_>) -> Result<(), Violation> {
    let ground = course.ground;
    for &(vm, from, to, step) in &phase.moves {
        let facts = ground.vm(vm);
        let broken = |invariant, text| course.broken(invariant, Some(step), text);
        let [a, b] = [from, to].map(|h| ground.host(h));
        if state.place[vm] != from {
            let at = &ground.host(state.place[vm]).id;
            let text = format!("vm `{}` is on host `{at}`, not on `{}`", facts.id, a.id);
            return Err(broken(Invariant::Form, text));
        }
        if from == to {
            let text = format!("vm `{}` moves to the host that it is on", facts.id);
            return Err(broken(Invariant::Form, text));
        }
        if !state.takes(to) || phase.cordons.contains(&to) || phase.stops.contains_key(&to) {
            let text = format!("host `{}` may be down, disabled or cordoned", b.id);
            return Err(broken(Invariant::C6, text));
        }
        if state.is_down(from) || phase.stops.contains_key(&from) {
            let text = format!("host `{}`, from which it moves, may be down", a.id);
            return Err(broken(Invariant::C6, text));
        }
        if let Some((invariant, text)) = ground.unfit(vm, to) {
            return Err(broken(invariant, text));
        }
        if ground.together[vm] {
            let text = format!("vm `{}` is in a group with affinity, which stays", facts.id);
            return Err(broken(Invariant::C5, text));
        }
        match (movable(facts), step.kind.unwrap_or(MoveKind::Live)) {
            (Some(can), kind) if can == kind => {}
            (can, kind) => {
                let can = can.map_or_else(|| "not at all".to_owned(), |c| format!("{c:?}"));
                let text =
                    format!("vm `{}` is {:?} and moves {can}, not {kind:?}", facts.id, facts.state);
                return Err(broken(Invariant::C6, text.to_lowercase()));
            }
        }
    }
    Ok(())
}

/// C7: how many migrations hosts have in a phase. Its tables are cleared only
/// where they were written.
struct Rates {
    out: Table<u32>,
    into: Table<u32>,
    busy: Table<bool>,
}

impl Rates {
    fn new(ground: &Ground<'_>) -> Self {
        let hosts = || Table::filled(0, ground.fleet.hosts.len());
        let busy = Table::filled(false, ground.fleet.vms.len());
        Self { out: hosts(), into: hosts(), busy }
    }

    fn phase(&mut self, course: &Course<'_, '_>, phase: &Phase<'_>) -> Result<(), Violation> {
        for &(vm, from, to, step) in &phase.moves {
            let [a, b] = [from, to].map(|h| course.ground.host(h));
            if std::mem::replace(&mut self.busy[vm], true) {
                let text = format!("vm `{}` is moved twice in one phase", course.ground.vm(vm).id);
                return Err(course.broken(Invariant::Form, Some(step), text));
            }
            self.out[from] += 1;
            self.into[to] += 1;
            for (count, host, limit, way) in [
                (self.out[from], a, a.max_migrations.outgoing, "out of"),
                (self.into[to], b, b.max_migrations.incoming, "into"),
            ] {
                if count > limit {
                    let text = format!("more than {limit} migrations {way} host `{}`", host.id);
                    return Err(course.broken(Invariant::C7, Some(step), text));
                }
            }
        }
        for &(vm, from, to, _) in &phase.moves {
            (self.busy[vm], self.out[from], self.into[to]) = (false, 0, 0);
        }
        Ok(())
    }
}

/// That hosts are empty before they stop, and up or stopped before an update.
fn hosts(course: &Course<'_, '_>, state: &State<'_>, phase: &Phase<'_>) -> Result<(), Violation> {
    let ground = course.ground;
    let empty = |host: usize| {
        let moving = |&(_, from, to, _): &(usize, usize, usize, &Step)| from == host || to == host;
        state.occupants[host] == 0 && !phase.moves.iter().any(moving)
    };
    for (&host, step) in &phase.stops {
        let id = &ground.host(host).id;
        if !empty(host) {
            let text = format!("host `{id}` still has {} vms", state.occupants[host]);
            return Err(course.broken(Invariant::C6, Some(step), text));
        }
        if let Some(text) = pods::unready(ground, state, phase, id) {
            return Err(course.broken(Invariant::K2, Some(step), text));
        }
    }
    for (id, step) in &phase.restarts {
        if ground.hosts.contains_key(id) {
            let text = format!("node `{id}` is a host, which is restarted");
            return Err(course.broken(Invariant::Form, Some(step), text));
        }
        if let Some(text) = pods::unready(ground, state, phase, id) {
            return Err(course.broken(Invariant::K2, Some(step), text));
        }
    }
    // A host that is a node, too, is emptied of both.
    let of_host = |host: usize| {
        let stopped = state.down.contains(host) && !phase.verifies.contains(&host);
        let cordoned = state.cordoned.contains(host) && !phase.uncordons.contains(&host);
        stopped || (cordoned && empty(host))
    };
    for &(target, _, _, step) in &phase.updates {
        let (host, node) = (ground.hosts.get(target), ground.nodes.get(target));
        let there = if step.host.is_some() { host.is_some() } else { node.is_some() };
        let ready = there
            && host.is_none_or(|host| of_host(*host))
            && pods::unready(ground, state, phase, target).is_none();
        if !ready {
            let text = format!("`{target}` may be neither stopped nor cordoned and empty");
            return Err(course.broken(Invariant::Form, Some(step), text));
        }
    }
    Ok(())
}

fn apply<'p>(state: &mut State<'p>, phase: &Phase<'p>) {
    for &(vm, from, to, _) in &phase.moves {
        // It came to the other one when the phase was judged.
        state.leave(vm, from);
        state.place[vm] = to;
    }
    for &(pod, to, _) in &phase.evicts {
        state.evicted.insert(pod, to);
    }
    for &(target, component, version, _) in &phase.updates {
        state.versions.insert((target, component), version);
    }
    phase.stops.keys().for_each(|h| state.down.insert(*h));
    phase.verifies.iter().for_each(|h| state.down.remove(*h));
    phase.cordons.iter().for_each(|h| state.cordoned.insert(*h));
    phase.uncordons.iter().for_each(|h| state.cordoned.remove(*h));
    state.cordoned_nodes.extend(&phase.cordoned_nodes);
    state.cordoned_nodes.retain(|n| !phase.uncordoned_nodes.contains(n));
}

/// That a wave leaves nothing half done, and has done what it is for.
fn ended(
    course: &Course<'_, '_>,
    state: &State<'_>,
    order: &order::Order<'_>,
) -> Result<(), Violation> {
    let ground = course.ground;
    let name = |h: usize| ground.host(h).id.clone();
    if let Some(host) = state.down.iter().next() {
        let text = format!("it ends while host `{}` is down", name(host));
        return Err(course.broken(Invariant::Form, None, text));
    }
    if let Some(host) = state.cordoned.iter().next() {
        let text = format!("it ends while host `{}` is cordoned", name(host));
        return Err(course.broken(Invariant::Form, None, text));
    }
    if let Some(node) = state.cordoned_nodes.iter().next() {
        let nodes = ground.fleet.kubernetes.iter().flat_map(|k| &k.nodes);
        let id = nodes.skip(*node).map(|n| n.id.as_str()).next().unwrap_or_default();
        let text = format!("it ends while node `{id}` is cordoned");
        return Err(course.broken(Invariant::Form, None, text));
    }
    for target in &course.wave.targets {
        let Some(wanted) = ground.wanted.get(target.as_str()) else {
            let text = format!("`{target}` is no target of the intent");
            return Err(course.broken(Invariant::Targets, None, text));
        };
        for want in wanted {
            let has = state.version(target, want.component);
            if has != Some(want.to) {
                let text = format!(
                    "`{}` on `{target}` ends at version `{}`, not `{}`",
                    want.component,
                    has.unwrap_or("-"),
                    want.to
                );
                return Err(course.broken(Invariant::Targets, None, text));
            }
            if want.reboot && !order.restarted(target) {
                let text = format!("`{target}` is not restarted after its update");
                return Err(course.broken(Invariant::Targets, None, text));
            }
        }
    }
    Ok(())
}
