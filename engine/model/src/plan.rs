//! A plan: waves of steps, as a planner makes it, a checker judges it and an
//! operator follows it.
//!
//! `tidegate.plan/v1`, `schemas/plan.schema.json`. Waves run in sequence; within
//! a wave phases run in sequence, and the steps of one phase in any order and at
//! the same time. A plan holds every choice: whoever follows it makes none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, SnapshotId, Timestamp};

/// A plan. It never changes; what is planned anew is another one that names it
/// as its parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// `tidegate.plan/v1`.
    pub schema: String,
    /// Names it: derived from everything else in it.
    pub id: String,
    /// 1 for the first plan of a fleet, one more for each that replaces one.
    pub generation: u64,
    /// The plan that it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The snapshots that the fleet was extracted from; none if it was handed in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<SnapshotId>,
    /// SHA-256 of the fleet that was handed in, alone or beside the snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet_sha256: Option<Digest>,
    /// SHA-256 of the intent.
    pub intent_sha256: Digest,
    /// Digest of the rules that gate its waves, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<Digest>,
    /// The version of the tables of version skew and order that were used.
    pub rules_version: String,
    /// Waves that the plans before this one have done, oldest first: canaries and
    /// growth go on from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Done>,
    /// When the facts of the first of these plans were taken: due dates that follow
    /// from a severity count from there. Absent in a first plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// In order; numbers from 1.
    pub waves: Vec<Wave>,
    /// The targets that no wave updates, in order of target and component.
    #[serde(default)]
    pub blocked: Vec<Blocked>,
    /// No plan can have fewer waves; greatest first.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    /// The bound by migrations: no plan that updates the same targets can have fewer of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrations_bound: Option<u64>,
    /// What becomes of due dates, in order of due date and target.
    #[serde(default)]
    pub deadlines: Vec<Deadline>,
    /// The digest of everything that waves read, as it was planned with
    /// ([`crate::Fleet::digests`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entities: BTreeMap<String, Digest>,
}

/// A wave that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The zone that its targets are in; absent for nodes without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The hosts and nodes that it updated, in order.
    pub targets: Vec<String>,
    /// The versions that they have since then, by component: no API may show them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, BTreeMap<String, String>>,
}

/// What is updated together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// Its number, from 1.
    pub n: u32,
    /// The zone that all its targets are in; absent if several may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The hosts and nodes that are updated, in order.
    pub targets: Vec<String>,
    /// In order of phase, then id.
    pub steps: Vec<Step>,
    /// What must not have changed when it starts: `host/ID`, `vm/ID`,
    /// `group/ID`, `quorum/ID`, `node/ID`, `pdb/ID`, `osd/ID`, in order.
    #[serde(default)]
    pub reads: Vec<String>,
    /// The maintenance window that it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// Seconds to wait after it before the next one.
    #[serde(default)]
    pub soak_s: u64,
}

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// Its begin.
    pub start: Timestamp,
    /// Its end; not part of it.
    pub end: Timestamp,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the plan.
    pub id: String,
    /// From 1; steps of a phase begin when all of the phase before are done.
    pub phase: u32,
    /// What is done.
    pub op: Op,
    /// The host that it is done to, or on which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The Kubernetes node that it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The OSD that it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub osd: Option<String>,
    /// The virtual machine that is moved or restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm: Option<String>,
    /// The pod that is evicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Where it moves from; for an update, the version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it moves to; for an update, the version after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MoveKind>,
    /// The component that is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The version that it is updated to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// A host or node takes nothing new.
    Cordon,
    /// A virtual machine moves from one host to another; until that is done it
    /// counts on both.
    Migrate,
    /// A pod is asked to go.
    Evict,
    /// What runs on a host is stopped; the host is down from here to its verify.
    Stop,
    /// A component gets another version.
    Update,
    /// A host is restarted; it is down from here to its verify.
    Reboot,
    /// What was stopped is started.
    Start,
    /// A host or member is seen to work; it is up from here.
    Verify,
    /// A host or node takes new work again.
    Uncordon,
}

impl Op {
    /// As it stands in a plan.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cordon => "cordon",
            Self::Migrate => "migrate",
            Self::Evict => "evict",
            Self::Stop => "stop",
            Self::Update => "update",
            Self::Reboot => "reboot",
            Self::Start => "start",
            Self::Verify => "verify",
            Self::Uncordon => "uncordon",
        }
    }
}

/// How a virtual machine moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MoveKind {
    /// While it runs.
    Live,
    /// While it is shut off.
    Cold,
}

/// A target that no wave updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// The host or node.
    pub target: String,
    /// Why.
    pub code: BlockedCode,
    /// What the reason rests on: names and numbers, of which none can be left
    /// out.
    #[serde(default)]
    pub numbers: BTreeMap<String, Value>,
    /// The smallest change that would unblock it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Why a target cannot be updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockedCode {
    /// What runs on it fits nowhere else, or headroom would be lost.
    Capacity,
    /// No host has the traits or aggregates that a virtual machine needs.
    Compatibility,
    /// A virtual machine on it cannot be moved.
    NotMigratable,
    /// A server group with affinity cannot be moved live.
    Affinity,
    /// A server group with anti-affinity has no host left.
    AntiAffinity,
    /// A quorum would lose its majority, or is not in step.
    Quorum,
    /// A disruption budget allows no eviction.
    Pdb,
    /// A pod that is evicted fits on no other node, or nothing would replace it.
    Pods,
    /// A placement group would fall below its minimum, or is not clean.
    Ceph,
    /// The step from its version to the wanted one is not allowed.
    Version,
    /// Another target must come first, and it is blocked.
    Order,
    /// It is down, or its state is not known.
    State,
    /// No maintenance window is long enough, or a freeze covers all of them.
    Window,
    /// `max_unavailable` of its pool is 0.
    Budget,
}

impl BlockedCode {
    /// As it stands in a plan.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Compatibility => "compatibility",
            Self::NotMigratable => "not-migratable",
            Self::Affinity => "affinity",
            Self::AntiAffinity => "anti-affinity",
            Self::Quorum => "quorum",
            Self::Pdb => "pdb",
            Self::Pods => "pods",
            Self::Ceph => "ceph",
            Self::Version => "version",
            Self::Order => "order",
            Self::State => "state",
            Self::Window => "window",
            Self::Budget => "budget",
        }
    }
}

/// A number of waves below which no plan can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// What it follows from.
    pub name: BoundName,
    /// At least so many waves.
    pub waves: u32,
}

/// What a bound follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BoundName {
    /// Free capacity.
    Capacity,
    /// Server groups.
    Group,
    /// Members of quorums, one at a time.
    Quorum,
    /// Disruption budgets.
    Pdb,
    /// Failure domains or zones, one at a time.
    Domain,
    /// Canaries and growth, and `max_unavailable`.
    Ramp,
    /// Maintenance windows, and how many migrations they have time for.
    Time,
}

/// What becomes of a due date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// The host or node.
    pub target: String,
    /// By when it should be done.
    pub due: Timestamp,
    /// Whether it will be.
    pub status: DeadlineStatus,
    /// The earliest time by which any plan could have it done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earliest: Option<Timestamp>,
    /// What that follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<BoundName>,
}

/// Whether a due date is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeadlineStatus {
    /// The plan keeps it.
    Met,
    /// No plan can keep it.
    Impossible,
    /// This plan does not keep it; whether another could is not known.
    Undecided,
}

impl Plan {
    /// The name and version of the shape.
    pub const SCHEMA: &'static str = "tidegate.plan/v1";

    /// The plan with the name that follows from everything else in it.
    #[must_use]
    pub fn named(mut self) -> Self {
        self.id = String::new();
        // INVARIANT: a plan has text keys and finite numbers only, which serialize.
        let text = serde_json::to_vec(&self).unwrap_or_default();
        self.id = Digest::of(&text).to_string();
        self.id.truncate(16);
        self
    }

    /// The size of the newest wave of a zone that was done before this plan.
    #[must_use]
    pub fn size_before(done: &[Done], zone: Option<&str>) -> Option<usize> {
        done.iter().rev().find(|d| d.zone.as_deref() == zone).map(|d| d.targets.len())
    }
}
