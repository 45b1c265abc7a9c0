//! What a gate answered: whether a wave may start now, and what that rests on.
//!
//! `tidegate.gate/v1`, `schemas/gate.schema.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{SnapshotId, Timestamp};

/// The answer of a gate. It is open only if every condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateDecision {
    /// `tidegate.gate/v1`.
    pub schema: String,
    /// The plan.
    pub plan: String,
    /// The wave, by number.
    pub wave: u32,
    /// Who asked.
    pub principal: String,
    /// In which roles.
    pub roles: Vec<String>,
    /// When it was answered.
    pub at: Timestamp,
    /// Until when the answer counts; absent unless it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The answer.
    pub answer: Answer,
    /// What the facts are, where they are snapshots in a store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<SnapshotId>,
    /// In order of [`ConditionName`], each once.
    pub conditions: Vec<Condition>,
    /// What the wave reads that is not as it was when it was planned, in order.
    pub drift: Vec<Drift>,
}

/// Whether a wave may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// It may.
    Open,
    /// It may not.
    Denied,
    /// It cannot be decided, so it may not.
    Undecided,
}

/// Something that an open gate rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Which.
    pub name: ConditionName,
    /// Whether it holds.
    pub state: ConditionState,
    /// Why, one clause.
    pub text: String,
    /// The numbers and names it rests on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, Value>,
}

/// The conditions of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConditionName {
    /// The facts are fresh.
    Facts,
    /// The checker finds the wave safe from these facts.
    Checked,
    /// What the wave reads is as it was planned, or differs without harm.
    Drift,
    /// The plan is the one under way, and the wave is next.
    Sequence,
    /// The maintenance window is open, and no freeze is on.
    Window,
    /// The blocking rules of the gate's bundles pass.
    Rules,
    /// The gate's policies permit it.
    Policy,
}

impl ConditionName {
    /// In small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Checked => "checked",
            Self::Drift => "drift",
            Self::Sequence => "sequence",
            Self::Window => "window",
            Self::Rules => "rules",
            Self::Policy => "policy",
        }
    }
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionState {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// It cannot be told.
    Unknown,
}

/// An entity that is not as it was when the wave was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// As in a wave's `reads`.
    pub entity: String,
    /// What became of it.
    pub change: DriftChange,
    /// Whether the wave may run in spite of it.
    pub harmless: bool,
}

/// What became of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftChange {
    /// It differs.
    Changed,
    /// It is gone.
    Gone,
}

impl GateDecision {
    /// The name and version of the shape.
    pub const SCHEMA: &'static str = "tidegate.gate/v1";

    /// The answer that conditions give together: one that fails denies, else one
    /// that cannot be told leaves it undecided; no condition at all, too.
    #[must_use]
    pub fn answer_of(conditions: &[Condition]) -> Answer {
        let any = |state| conditions.iter().any(|c| c.state == state);
        if any(ConditionState::Fails) {
            Answer::Denied
        } else if any(ConditionState::Unknown) || conditions.is_empty() {
            Answer::Undecided
        } else {
            Answer::Open
        }
    }
}
