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
mod intent;
mod load;
mod nodes;
mod rearrange;
mod schedule;
mod seats;
mod select;
mod sequence;
mod skew;
mod steps;
mod stuck;
mod wave;
mod windows;
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::{Fleet, FleetProblem};
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Done, Plan};
use tidegate_model::versions::VersionRules;
use tidegate_model::{Digest, SnapshotId, Timestamp};

use arena::Arena;
use load::Load;
use nodes::Pods;
use sequence::Planning;

pub use intent::{IntentProblem, unmatched};
pub use select::{Selection, selections};
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
    /// The waves that plans before this one have done, oldest first.
    pub done: Vec<Done>,
    /// When the facts of the first of these plans were taken, if this is not the first.
    pub since: Option<Timestamp>,
}

/// No plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The fleet contradicts itself.
    #[error("the fleet contradicts itself: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Fleet(Vec<FleetProblem>),
    /// The intent is none that can be followed.
    #[error("the intent cannot be followed: {0}")]
    Intent(#[source] IntentProblem),
    /// A window cannot be read.
    #[error(transparent)]
    Window(#[from] WindowError),
}

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
    intent::check(fleet, intent, rules).map_err(PlanError::Intent)?;
    let arena = Arena::new(fleet, origin.done.clone());
    let since = origin.since.unwrap_or(fleet.taken_at);
    let jobs = select::jobs(fleet, intent, rules, since)
        .map_err(|torn| PlanError::Intent(intent::torn(&torn)))?;
    let mut hopeless = BTreeSet::new();
    let (planning, hosts, nodes, ends) = loop {
        let mut planning = Planning {
            fleet,
            intent,
            rules,
            load: Load::new(&arena),
            pods: fleet.kubernetes.as_ref().map(|cluster| Pods::new(fleet, cluster, rules)),
            waves: Vec::new(),
            blocked: Vec::new(),
            arena: &arena,
            due: arena
                .hosts
                .iter()
                .enumerate()
                .map(|(h, _)| {
                    jobs.get(arena.host_id(h)).and_then(|j| j.due).unwrap_or(Timestamp::MAX)
                })
                .collect(),
            jobs: &jobs,
            hopeless: hopeless.clone(),
            too_long: BTreeMap::new(),
            waiting: BTreeMap::new(),
        };
        let (hosts, nodes) = planning.sort();
        let ends = planning.run(&hosts, &nodes)?;
        // That a leader waited in vain is known in the end only.
        let vain: BTreeSet<_> = planning.waited_in_vain().difference(&hopeless).copied().collect();
        if vain.is_empty() {
            break (planning, hosts, nodes, ends);
        }
        hopeless.extend(vain);
    };
    let Planning { waves, mut blocked, pods, .. } = planning;
    blocked.sort_by(|a, b| (&a.target, a.code).cmp(&(&b.target, b.code)));
    let done: BTreeSet<&str> = waves.iter().flat_map(|w| &w.targets).map(String::as_str).collect();
    let done_hosts = hosts.iter().copied().filter(|h| done.contains(arena.host_id(*h))).collect();
    let done_nodes = nodes.iter().copied().filter(|n| done.contains(n)).collect();
    let bounds = bounds::bounds(&arena, intent, &done_hosts, &done_nodes, pods.as_ref())?;
    let migrations_bound = Some(bounds::migrations(&arena, &done_hosts)).filter(|n| *n > 0);
    let deadlines = due::deadlines(&arena, intent, pods.as_ref(), &jobs, &waves, &ends)?;
    let (parent, generation) = match &origin.parent {
        Some((id, generation)) => (Some(id.clone()), generation + 1),
        None => (None, 1),
    };
    let plan = Plan {
        schema: Plan::SCHEMA.to_owned(),
        id: String::new(),
        generation,
        parent,
        snapshots: origin.snapshots.clone(),
        fleet_sha256: origin.fleet_sha256,
        intent_sha256: origin.intent_sha256,
        policy_digest: origin.policy_digest,
        rules_version: rules.version.clone(),
        done: origin.done.clone(),
        since: origin.since,
        waves,
        blocked,
        bounds,
        migrations_bound,
        deadlines,
        entities: BTreeMap::new(),
    };
    Ok(plan.named())
}
