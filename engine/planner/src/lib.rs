//! Computes safe sequences of rolling updates.
//!
//! ```text
//! Fleet + Intent ─▶ jobs ─▶ blocked from the start ─┐
//!                     └─▶ zone by zone: waves ─▶ steps ─▶ windows ─▶ Plan
//!                                                 bounds, due dates ┘
//! ```
//! [`plan`] is a pure function: no clock, no network, no randomness; the same
//! fleet and intent give the same plan, byte for byte. What makes a plan safe is
//! written in `docs/planning.md`; whether one is, `tidegate-checker` decides.

mod arena;
mod block;
mod bounds;
mod due;
mod load;
mod nodes;
mod schedule;
mod select;
mod steps;
mod windows;
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tidegate_model::fleet::{Fleet, FleetProblem};
use tidegate_model::intent::{Intent, Selector};
use tidegate_model::plan::{Blocked, BlockedCode, Plan, Wave};
use tidegate_model::versions::VersionRules;
use tidegate_model::{Digest, SnapshotId, Timestamp};

use arena::{Arena, Id, at, cell};
use load::Load;
use nodes::Pods;
use select::Job;
use zone::{Draft, Limits, ZonePlan};

pub use windows::WindowError;

/// Where a fleet and an intent come from, and which plan is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The snapshots that the fleet was extracted from.
    pub snapshots: Vec<SnapshotId>,
    /// SHA-256 of the fleet, if it was handed in.
    pub fleet_sha256: Option<Digest>,
    /// SHA-256 of the intent.
    pub intent_sha256: Digest,
    /// Digest of the rules that gate the waves.
    pub policy_digest: Option<Digest>,
    /// The plan that is replaced, and its generation.
    pub parent: Option<(String, u64)>,
}

/// No plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The fleet contradicts itself.
    #[error("the fleet contradicts itself: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Fleet(Vec<FleetProblem>),
    /// The intent is none that can be followed.
    #[error("the intent cannot be followed: {0}")]
    Intent(String),
    /// A window cannot be read.
    #[error(transparent)]
    Window(#[from] WindowError),
}

/// So often a zone is planned again with what was left over tried first.
const TRIES: usize = 3;

/// Plans the update of a fleet.
///
/// Every target of the intent is in exactly one wave or blocked. Costs about a
/// second for 10,000 hosts and 200,000 virtual machines.
///
/// # Errors
/// [`PlanError`] if fleet or intent are not whole; that nothing can be updated
/// is a plan without waves.
pub fn plan(
    fleet: &Fleet,
    intent: &Intent,
    rules: &VersionRules,
    origin: &Origin,
) -> Result<Plan, PlanError> {
    let problems = fleet.check();
    if !problems.is_empty() {
        return Err(PlanError::Fleet(problems));
    }
    check(fleet, intent)?;
    let arena = Arena::new(fleet);
    let jobs = select::jobs(fleet, intent, rules);
    let mut planning = Planning {
        fleet,
        intent,
        load: Load::new(&arena),
        pods: fleet.kubernetes.as_ref().map(Pods::new),
        waves: Vec::new(),
        blocked: Vec::new(),
        arena: &arena,
        due: arena
            .hosts
            .iter()
            .enumerate()
            .map(|(h, _)| jobs.get(arena.host_id(h)).and_then(|j| j.due).unwrap_or(Timestamp::MAX))
            .collect(),
        jobs: &jobs,
    };
    let (hosts, nodes) = planning.sort(rules);
    let ends = planning.run(&hosts, &nodes)?;
    let Planning { waves, mut blocked, pods, .. } = planning;
    blocked.sort_by(|a, b| (&a.target, a.code).cmp(&(&b.target, b.code)));
    let done: BTreeSet<&str> = waves.iter().flat_map(|w| &w.targets).map(String::as_str).collect();
    let done_hosts = hosts.iter().copied().filter(|h| done.contains(arena.host_id(*h))).collect();
    let done_nodes = nodes.iter().copied().filter(|n| done.contains(n)).collect();
    let bounds = bounds::bounds(&arena, intent, &done_hosts, &done_nodes, pods.as_ref());
    let deadlines = due::deadlines(&arena, intent, &jobs, &waves, &ends)?;
    let (parent, generation) = match &origin.parent {
        Some((id, generation)) => (Some(id.clone()), generation + 1),
        None => (None, 1),
    };
    let mut plan = Plan {
        schema: Plan::SCHEMA.to_owned(),
        id: String::new(),
        generation,
        parent,
        snapshots: origin.snapshots.clone(),
        fleet_sha256: origin.fleet_sha256,
        intent_sha256: origin.intent_sha256,
        policy_digest: origin.policy_digest,
        rules_version: rules.version.clone(),
        waves,
        blocked,
        bounds,
        deadlines,
    };
    // INVARIANT: a plan has text keys and finite numbers only, which serialize.
    let text = serde_json::to_vec(&plan).unwrap_or_default();
    let mut id = Digest::of(&text).to_string();
    id.truncate(16);
    plan.id = id;
    Ok(plan)
}

/// That an intent can be followed.
fn check(fleet: &Fleet, intent: &Intent) -> Result<(), PlanError> {
    let wrong = |problem: String| Err(PlanError::Intent(problem));
    if intent.schema != Intent::SCHEMA {
        return wrong(format!("its schema is `{}`, not `{}`", intent.schema, Intent::SCHEMA));
    }
    if !(0.0..1.0).contains(&intent.headroom) {
        return wrong(format!(
            "headroom is {}, and must be at least 0 and below 1",
            intent.headroom
        ));
    }
    if !(1.0..=1e6).contains(&intent.growth) {
        return wrong(format!("growth is {}, and must be at least 1", intent.growth));
    }
    let nodes = || fleet.kubernetes.iter().flat_map(|k| &k.nodes);
    for (n, target) in (1..).zip(&intent.targets) {
        let Selector::Some(of) = &target.selector else { continue };
        let known = |id: &&String| {
            fleet.hosts.iter().any(|h| h.id == **id) || nodes().any(|h| h.id == **id)
        };
        if let Some(id) = of.ids.iter().flatten().find(|id| !known(id)) {
            return wrong(format!("target {n} names `{id}`, which is neither host nor node"));
        }
        if let Some(zone) = of
            .zone
            .as_ref()
            .filter(|z| !fleet.zones.contains(z) && !nodes().any(|n| n.zone.as_ref() == Some(*z)))
        {
            return wrong(format!("target {n} names the zone `{zone}`, which is not in the fleet"));
        }
        if let Some(pool) = of.pool.as_ref().filter(|p| {
            !fleet.hosts.iter().any(|h| h.pool == **p) && !nodes().any(|n| n.cluster == **p)
        }) {
            return wrong(format!("target {n} names the pool `{pool}`, which is not in the fleet"));
        }
    }
    Ok(())
}

/// The waves of a zone, one way.
struct Attempt {
    drafts: Vec<Draft>,
    left: BTreeSet<Id>,
    load: Load,
}

impl Attempt {
    /// Less is better: targets left over, then waves.
    fn rank(&self) -> (usize, usize) {
        (self.left.len(), self.drafts.len())
    }
}

struct Planning<'p, 'f> {
    fleet: &'f Fleet,
    intent: &'f Intent,
    arena: &'p Arena<'f>,
    jobs: &'p BTreeMap<&'f str, Job<'f>>,
    /// By host.
    due: Vec<Timestamp>,
    load: Load,
    pods: Option<Pods<'f>>,
    waves: Vec<Wave>,
    blocked: Vec<Blocked>,
}

impl<'f> Planning<'_, 'f> {
    /// Tells hosts from nodes, and takes out what is blocked from the start.
    fn sort(&mut self, rules: &VersionRules) -> (BTreeSet<Id>, BTreeSet<&'f str>) {
        let (mut hosts, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        for (id, job) in self.jobs {
            let node = self.pods.as_ref().filter(|p| p.is_node(id));
            let why = match (self.arena.host_ids.get(id), node) {
                (Some(host), None) => {
                    let why = block::host(self.arena, &self.load, self.intent, rules, *host, job);
                    if why.is_none() {
                        hosts.insert(*host);
                    }
                    why
                }
                (None, Some(pods)) => {
                    let why = pods.blocked(id, job, rules);
                    if why.is_none() {
                        nodes.insert(*id);
                    }
                    why
                }
                // A host that is a node itself: what runs on it in pods would
                // have to be drained with the rest.
                (Some(_), Some(_)) | (None, None) => Some(block::blocked(
                    id,
                    BlockedCode::Pods,
                    &[("node", json!(id))],
                    "drain and update it by hand: it is a host and a node".to_owned(),
                )),
            };
            self.blocked.extend(why);
        }
        (hosts, nodes)
    }

    /// Plans zone after zone; gives the end of each wave.
    fn run(
        &mut self,
        hosts: &BTreeSet<Id>,
        nodes: &BTreeSet<&'f str>,
    ) -> Result<Vec<Timestamp>, PlanError> {
        let due = |id: &str| self.jobs.get(id).and_then(|j| j.due).unwrap_or(Timestamp::MAX);
        let leads = self.leading_zones(hosts);
        let mut zones: BTreeMap<Option<&str>, (Timestamp, usize)> = BTreeMap::new();
        let place = |z: &str| self.fleet.zones.iter().position(|k| k == z).unwrap_or(usize::MAX);
        let of_hosts = hosts.iter().map(|h| {
            let zone = self.fleet.hosts.get(*h).map(|h| h.zone.as_str());
            (zone, due(self.arena.host_id(*h)))
        });
        let of_nodes = nodes.iter().map(|n| (self.pods.as_ref().and_then(|p| p.zone(n)), due(n)));
        for (zone, due) in of_hosts.chain(of_nodes) {
            let entry = zones.entry(zone).or_insert((due, zone.map_or(usize::MAX, place)));
            entry.0 = entry.0.min(due);
        }
        // A leader waits for members in other zones, whatever is due.
        let mut order: Vec<(bool, Timestamp, usize, Option<&str>)> = zones
            .into_iter()
            .map(|(zone, (due, place))| (leads.contains(&zone), due, place, zone))
            .collect();
        order.sort_unstable();
        let mut clock = due::Clock::new(self.fleet, self.intent);
        let mut open: BTreeSet<Id> = hosts.clone();
        for (_, _, _, zone) in order {
            let spans = windows::spans(self.intent, zone, self.fleet.taken_at)?;
            let of_zone = |h: &Id| self.fleet.hosts.get(*h).map(|h| h.zone.as_str()) == zone;
            let mine: BTreeSet<Id> = hosts.iter().copied().filter(of_zone).collect();
            open.retain(|h| !mine.contains(h));
            let drafts = self.hosts(&mine, &open, spans.as_deref());
            let mut before = None;
            for draft in drafts {
                let n = u32::try_from(self.waves.len() + 1).unwrap_or(u32::MAX);
                let wave = schedule::wave(self.arena, self.jobs, n, &draft, self.intent.soak_s);
                if self.place(&mut clock, spans.as_deref(), wave) {
                    before = Some(draft.hosts.len());
                }
            }
            let nodes = nodes.iter().copied();
            let pods = self.pods.as_ref();
            let mine: BTreeSet<&str> =
                nodes.filter(|n| pods.and_then(|p| p.zone(n)) == zone).collect();
            if let Some(mut pods) = self.pods.take() {
                let (waves, stuck) = pods.waves(self.intent, &mine, before);
                self.blocked.extend(stuck);
                for nodes in waves {
                    let n = u32::try_from(self.waves.len() + 1).unwrap_or(u32::MAX);
                    let wave = pods.wave(self.jobs, n, zone, &nodes, self.intent.soak_s);
                    self.place(&mut clock, spans.as_deref(), wave);
                }
                self.pods = Some(pods);
            }
        }
        Ok(clock.ends)
    }

    /// Zones with a host that leads a quorum which has other targets elsewhere.
    fn leading_zones(&self, hosts: &BTreeSet<Id>) -> BTreeSet<Option<&'f str>> {
        let zone_of = |h: Id| self.fleet.hosts.get(h).map(|h| h.zone.as_str());
        let host = |m: &tidegate_model::fleet::Member| match self.arena.seat(m) {
            Some(arena::Seat::Host(h)) if hosts.contains(&h) => Some(h),
            Some(arena::Seat::Host(_) | arena::Seat::Vm(_)) | None => None,
        };
        let leading = self.fleet.quorums.iter().filter_map(|quorum| {
            let leader = quorum.leader.as_ref().and_then(host)?;
            let mut others = quorum.members.iter().filter_map(host);
            others.any(|h| zone_of(h) != zone_of(leader)).then(|| zone_of(leader))
        });
        leading.collect()
    }

    /// Gives a wave its window; what finds none is blocked.
    fn place(
        &mut self,
        clock: &mut due::Clock,
        spans: Option<&[tidegate_model::plan::Span]>,
        mut wave: Wave,
    ) -> bool {
        if clock.place(self.intent, spans, &mut wave) {
            self.waves.push(wave);
            return true;
        }
        let seconds = due::seconds(self.intent, &wave);
        for target in &wave.targets {
            let numbers = [("seconds", json!(seconds))];
            let fix = format!("add a window of at least {seconds} seconds");
            self.blocked.push(block::blocked(target, BlockedCode::Window, &numbers, fix));
        }
        false
    }

    /// The waves of a zone's hosts.
    fn hosts(
        &mut self,
        targets: &BTreeSet<Id>,
        elsewhere: &BTreeSet<Id>,
        spans: Option<&[tidegate_model::plan::Span]>,
    ) -> Vec<Draft> {
        let Some(first) = targets.first() else { return Vec::new() };
        let times = &self.intent.durations;
        let rest = times.update_s + times.reboot_s;
        let phases = spans.filter(|_| times.migrate_s > 0).map(|spans| {
            let most = windows::longest(spans).saturating_sub(rest) / times.migrate_s.max(1);
            u32::try_from(most).unwrap_or(u32::MAX)
        });
        let limits = Limits { intent: self.intent, phases };
        let zone = ZonePlan {
            arena: self.arena,
            limits: &limits,
            due: &self.due,
            zone: at(&self.arena.hosts, *first).zone,
            open_elsewhere: elsewhere,
        };
        let mut best: Option<Attempt> = None;
        let mut urgent: BTreeSet<Id> = BTreeSet::new();
        for _ in 0..TRIES {
            let mut load = self.load.clone();
            let (drafts, left) = zone::plan(&zone, &mut load, targets, &urgent);
            let more: BTreeSet<Id> = left.difference(&urgent).copied().collect();
            let attempt = Attempt { drafts, left, load };
            if best.as_ref().is_none_or(|b| attempt.rank() < b.rank()) {
                best = Some(attempt);
            }
            if more.is_empty() {
                break;
            }
            urgent.extend(more);
        }
        let Some(Attempt { drafts, left, load }) = best else { return Vec::new() };
        for host in &left {
            let why = self.stuck(&zone, *host, &left);
            self.blocked.push(why);
        }
        self.load = load;
        drafts
    }

    /// Why a host is left over when all waves of its zone are made.
    fn stuck(&self, zone: &ZonePlan<'_, '_>, host: Id, left: &BTreeSet<Id>) -> Blocked {
        let arena = self.arena;
        let (id, row) = (arena.host_id(host), at(&arena.hosts, host));
        let vms = at(&self.load.on, host).len();
        let phases = u32::try_from(vms).unwrap_or(u32::MAX).div_ceil(row.max_out.max(1));
        if let Some(most) = zone.limits.phases.filter(|most| phases > *most) {
            let numbers = [("migrations_in_sequence", json!(phases)), ("window_has", json!(most))];
            let fix = format!("widen the windows to {phases} migrations in sequence");
            return block::blocked(id, BlockedCode::Window, &numbers, fix);
        }
        for quorum in row.quorums.iter().filter_map(|n| self.fleet.quorums.get(*n)) {
            let other = quorum.members.iter().find_map(|m| match arena.seat(m) {
                Some(arena::Seat::Host(h))
                    if h != host && (left.contains(&h) || zone.open_elsewhere.contains(&h)) =>
                {
                    Some(h)
                }
                Some(arena::Seat::Host(_) | arena::Seat::Vm(_)) | None => None,
            });
            let leads = quorum.leader.as_ref().and_then(|l| arena.seat(l));
            if let Some(other) = other.filter(|_| leads == Some(arena::Seat::Host(host))) {
                let other = arena.host_id(other);
                let numbers = [("quorum", json!(quorum.id)), ("waits_for", json!(other))];
                let fix = format!("update `{other}` first, or let another member lead");
                return block::blocked(id, BlockedCode::Order, &numbers, fix);
            }
        }
        let class = (0..arena.classes.len()).max_by_key(|c| {
            let usable = *at(&row.usable, *c);
            let used = usable - *cell(&self.load.free, host, *c);
            if usable == 0 { 0 } else { used.saturating_mul(1000) / usable }
        });
        let class = class.unwrap_or(0);
        let amount = |n: i64| json!(tidegate_model::fleet::Amount(n));
        let free: i64 = arena
            .hosts
            .iter()
            .enumerate()
            .filter(|(h, r)| *h != host && r.zone == row.zone && r.serves)
            .map(|(h, _)| at(&self.load.free, h).get(class).copied().unwrap_or(0))
            .sum();
        let usable = row.usable.get(class).copied().unwrap_or(0);
        let used = usable - at(&self.load.free, host).get(class).copied().unwrap_or(0);
        let numbers = [
            ("class", json!(arena.classes.get(class))),
            ("used", amount(used)),
            ("free_elsewhere", amount(free)),
            ("headroom", json!(self.intent.headroom)),
        ];
        let fix = format!(
            "free {} {} in zone `{}`, or lower headroom",
            tidegate_model::fleet::Amount(used),
            arena.classes.get(class).copied().unwrap_or("of capacity"),
            self.fleet.hosts.get(host).map_or("", |h| h.zone.as_str())
        );
        block::blocked(id, BlockedCode::Capacity, &numbers, fix)
    }
}

#[cfg(test)]
mod tests;
