//! What is wrong with a plan.

use std::fmt;

/// The first thing that makes a plan unsafe or untrue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What is broken.
    pub invariant: Invariant,
    /// The wave, where it is about one.
    pub wave: Option<u32>,
    /// The step, where it is about one.
    pub step: Option<String>,
    /// One clause with ids and numbers.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, wave, step, problem } = self;
        f.write_str(&invariant.name())?;
        if let Some(wave) = wave {
            write!(f, " in wave {wave}")?;
        }
        if let Some(step) = step {
            write!(f, ", step `{step}`")?;
        }
        write!(f, ": {problem}")
    }
}

impl std::error::Error for Violation {}

/// The invariants of the safety model, by its ids, and what a plan must say of
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// The plan does not hang together: ids, numbers, fields, order of steps.
    Form,
    /// A target is in no wave and not blocked, or in two, or is not updated.
    Targets,
    /// Capacity.
    C1,
    /// Headroom and spare hosts.
    C2,
    /// Traits and aggregates.
    C3,
    /// Availability zones.
    C4,
    /// Server groups.
    C5,
    /// What can be moved, and how.
    C6,
    /// How many migrations at a time.
    C7,
    /// Majorities.
    Q1,
    /// The leader comes last.
    Q2,
    /// Ceph.
    S1,
    /// Disruption budgets.
    K1,
    /// Where evicted pods go.
    K2,
    /// Control planes in virtual machines.
    K3,
    /// Version skew.
    V1,
    /// The order of components.
    V2,
    /// Steps between versions.
    V3,
    /// Windows and freezes.
    T1,
    /// Canaries, growth and `max_unavailable`.
    T2,
    /// Zones.
    T3,
    /// A bound that is not one.
    Bounds,
    /// A reason for a block that does not hold.
    Blocked,
    /// What is said of a due date does not hold.
    Deadlines,
}

impl Invariant {
    /// Its id in the safety model, such as `C1`; else a word, such as `Targets`.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}
