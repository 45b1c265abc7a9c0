//! Whether what is said to be blocked is, and whether each number of the reason is so.
//!
//! [`Court`] knows the fleet as it is before the plan, and as it is when the turn of a
//! target is over: in the end, or, where zones have turns, after the last wave of its own. A
//! reason names what it is about; all that follows from that is counted again and compared,
//! number by number, none more and none less. `docs/planning.md` lists the reasons.
//! Where it cannot be told without planning whether a reason holds, a way to update the
//! target is looked for: one that is found refutes it.

mod host;
mod machine;
mod node;
mod numbers;
mod room;
mod window;

use std::collections::BTreeMap;
use std::rc::Rc;

use tidegate_model::Timestamp;
use tidegate_model::plan::{Blocked, BlockedCode, Op, Plan, Wave};
use tidegate_model::versions::VersionRules;

use crate::ground::Ground;
use crate::state::State;
use crate::{Invariant, Violation};

/// That each reason holds, with its numbers. `ends` is when each wave ends.
pub(crate) fn check<'c>(
    ground: &'c Ground<'c>,
    plan: &'c Plan,
    rules: &'c VersionRules,
    ends: &'c [Timestamp],
) -> Result<(), Violation> {
    if plan.blocked.is_empty() {
        return Ok(());
    }
    let mut court = Court::new(ground, plan, rules, ends);
    for blocked in &plan.blocked {
        let (target, code) = (&blocked.target, blocked.code.name());
        let judged = match ground.wanted.contains_key(target.as_str()) {
            true => court.judge(blocked),
            false => Err("it is no target of the intent".to_owned()),
        };
        judged.map_err(|why| Violation {
            invariant: Invariant::Blocked,
            wave: None,
            step: None,
            problem: format!("`{target}` is said to be blocked by {code}: {why}"),
        })?;
    }
    Ok(())
}

/// What a reason is judged by.
struct Court<'c> {
    ground: &'c Ground<'c>,
    plan: &'c Plan,
    rules: &'c VersionRules,
    ends: &'c [Timestamp],
    /// Before the plan.
    start: Moment<'c>,
    /// By how many of its waves are done.
    later: BTreeMap<usize, Rc<Moment<'c>>>,
    zones: room::Zones,
    /// By component and a version that it shall have: the oldest and newest in the fleet then.
    ranges: BTreeMap<(&'c str, &'c str), Option<(i64, i64)>>,
    /// By how many waves are done, and what asks for a host alike: what is free on those
    /// that may have it.
    homes: BTreeMap<(usize, room::Profile<'c>), room::Homes>,
    /// By how many waves are done, and zone: the seconds of the longest window that is left.
    windows: BTreeMap<(usize, Option<&'c str>), u64>,
}

/// Where everything is at one time.
struct Moment<'c> {
    /// How many waves are done.
    waves: usize,
    state: State<'c>,
    /// By host: the virtual machines on it.
    on: Vec<Vec<usize>>,
    rooms: room::Rooms,
}

impl<'c> Moment<'c> {
    fn new(ground: &'c Ground<'c>, plan: &'c Plan, waves: usize) -> Self {
        let state = followed(ground, plan.waves.get(..waves).unwrap_or_default());
        let mut on = vec![Vec::new(); ground.fleet.hosts.len()];
        for vm in 0..ground.fleet.vms.len() {
            if let Some(here) = on.get_mut(state.place[vm]) {
                here.push(vm);
            }
        }
        let rooms = room::Rooms::new(ground, &state);
        Self { waves, state, on, rooms }
    }

    fn on(&self, host: usize) -> &[usize] {
        self.on.get(host).map(Vec::as_slice).unwrap_or_default()
    }
}

impl<'c> Court<'c> {
    fn new(
        ground: &'c Ground<'c>,
        plan: &'c Plan,
        rules: &'c VersionRules,
        ends: &'c [Timestamp],
    ) -> Self {
        Self {
            ground,
            plan,
            rules,
            ends,
            start: Moment::new(ground, plan, 0),
            later: BTreeMap::new(),
            zones: room::Zones::new(ground),
            ranges: BTreeMap::new(),
            homes: BTreeMap::new(),
            windows: BTreeMap::new(),
        }
    }

    fn judge(&mut self, blocked: &Blocked) -> Result<(), String> {
        let target = blocked.target.as_str();
        let found = self.ground.hosts.get(target).copied();
        let host = || found.ok_or_else(|| "it is no host".to_owned());
        match blocked.code {
            BlockedCode::State => self.state(blocked, host()?),
            BlockedCode::Budget => self.budget(blocked),
            BlockedCode::Quorum => self.quorum(blocked, host()?),
            BlockedCode::Ceph => self.ceph(blocked, host()?),
            BlockedCode::Version => self.version(blocked),
            BlockedCode::Order => self.order(blocked, host()?),
            BlockedCode::NotMigratable => self.not_migratable(blocked, host()?),
            BlockedCode::Affinity => self.affinity(blocked, host()?),
            BlockedCode::AntiAffinity => self.anti_affinity(blocked, host()?),
            BlockedCode::Compatibility => self.compatibility(blocked, host()?),
            BlockedCode::Capacity => self.capacity(blocked, host()?),
            BlockedCode::Pdb => self.pdb(blocked),
            BlockedCode::Pods => self.pods(blocked),
            BlockedCode::Window => {
                self.in_the_end(blocked, |court, end| court.window(blocked, end))
            }
        }
    }

    /// After how many waves the turn of a target may be over. Where zones have turns and its
    /// own has no wave, nothing tells when it had its turn.
    fn turns(&self, target: &str) -> Vec<usize> {
        let waves = &self.plan.waves;
        if !self.ground.intent.one_zone_at_a_time {
            return vec![waves.len()];
        }
        let zone = self.ground.zone_of_target(target);
        match waves.iter().rposition(|w| w.zone.as_deref() == zone) {
            Some(last) => vec![last + 1],
            None => {
                let zones = || waves.iter().map(|w| w.zone.as_deref());
                let next = zones().skip(1).zip(zones()).enumerate();
                let between = next.filter(|(_, (zone, before))| zone != before);
                let between = between.map(|(n, _)| n + 1);
                std::iter::once(0).chain(between).chain([waves.len()]).collect()
            }
        }
    }

    /// Judges by how things are when the turn of a target is over.
    fn in_the_end(
        &mut self,
        blocked: &Blocked,
        judge: impl Fn(&mut Self, &Moment<'c>) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut judged = Err("it has no turn".to_owned());
        for waves in self.turns(&blocked.target) {
            let (ground, plan) = (self.ground, self.plan);
            let new = || Rc::new(Moment::new(ground, plan, waves));
            let moment = Rc::clone(self.later.entry(waves).or_insert_with(new));
            judged = judge(self, &moment);
            if judged.is_ok() {
                break;
            }
        }
        judged
    }
}

/// Where everything is when some waves are done.
fn followed<'c>(ground: &'c Ground<'c>, waves: &'c [Wave]) -> State<'c> {
    let mut state = State::new(ground);
    let host = |id: &Option<String>| ground.hosts.get(id.as_deref()?).copied();
    for step in waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Migrate) {
        let vm = step.vm.as_deref().and_then(|v| ground.vms.get(v).copied());
        if let (Some(vm), Some(from), Some(to)) = (vm, host(&step.from), host(&step.to)) {
            state.leave(vm, from);
            state.arrive(vm, to);
            state.place[vm] = to;
        }
    }
    for step in waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Evict) {
        let node = step.to.as_deref().and_then(|to| ground.nodes.get(to)).copied();
        if let Some(&pod) = step.pod.as_deref().and_then(|p| ground.pods.get(p)) {
            state.evicted.insert(pod, node);
        }
    }
    for step in waves.iter().flat_map(|w| &w.steps).filter(|s| s.op == Op::Update) {
        let target = step.host.as_deref().or(step.node.as_deref());
        if let (Some(target), Some(component), Some(version)) =
            (target, step.component.as_deref(), step.version.as_deref())
        {
            state.versions.insert((target, component), version);
        }
    }
    state
}
