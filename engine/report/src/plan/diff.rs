//! What changed between two plans.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use tidegate_model::Plan;
use tidegate_model::plan::BlockedCode;

use super::{moves, word};
use crate::text::printable;

/// What a plan does about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// It updates it in the wave with this number.
    Wave(u32),
    /// It does not, for this reason.
    Blocked(BlockedCode),
    /// It does not know it.
    Absent,
}

impl Place {
    /// Where each target of a plan is, in order of targets.
    pub(super) fn all(plan: &Plan) -> BTreeMap<&str, Self> {
        let blocked = plan.blocked.iter().map(|b| (b.target.as_str(), Self::Blocked(b.code)));
        let waves = plan
            .waves
            .iter()
            .flat_map(|w| w.targets.iter().map(move |target| (target.as_str(), Self::Wave(w.n))));
        blocked.chain(waves).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wave(n) => write!(f, "wave {n}"),
            Self::Blocked(code) => write!(f, "blocked ({})", word(code)),
            Self::Absent => f.write_str("no target"),
        }
    }
}

/// A target of which two plans do different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetDiff {
    /// The host or node.
    pub target: String,
    /// What the first plan does.
    pub before: Place,
    /// What the second does.
    pub after: Place,
}

/// A migration or eviction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Moved {
    /// The virtual machine or pod.
    pub what: String,
    /// From which host or node.
    pub from: String,
    /// To which.
    pub to: String,
}

/// What changed between two plans; `tidegate.plan-diff/v1`,
/// `schemas/plan-diff.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanDiff {
    /// `tidegate.plan-diff/v1`.
    pub schema_version: &'static str,
    /// The id of the first plan.
    pub before: String,
    /// The id of the second.
    pub after: String,
    /// Waves in the first and in the second.
    pub waves: [usize; 2],
    /// In order of targets.
    pub targets: Vec<TargetDiff>,
    /// Moves that only the second has, in order; one that it has more often is
    /// here once.
    pub moves_added: Vec<Moved>,
    /// Moves that only the first has.
    pub moves_removed: Vec<Moved>,
}

/// Compares two plans. Where a move takes place does not count, only whether.
#[must_use]
pub fn plan_diff(before: &Plan, after: &Plan) -> PlanDiff {
    let [was, is] = [before, after].map(Place::all);
    let names: BTreeSet<&str> = was.keys().chain(is.keys()).copied().collect();
    let place = |places: &BTreeMap<&str, Place>, target: &str| {
        places.get(target).copied().unwrap_or(Place::Absent)
    };
    let targets = names.into_iter().map(|target| TargetDiff {
        target: target.to_owned(),
        before: place(&was, target),
        after: place(&is, target),
    });
    let [old, new] = [before, after].map(all_moves);
    PlanDiff {
        schema_version: "tidegate.plan-diff/v1",
        before: before.id.clone(),
        after: after.id.clone(),
        waves: [before.waves.len(), after.waves.len()],
        targets: targets.filter(|t| t.before != t.after).collect(),
        moves_added: new.difference(&old).cloned().collect(),
        moves_removed: old.difference(&new).cloned().collect(),
    }
}

fn all_moves(plan: &Plan) -> BTreeSet<Moved> {
    let all = plan.waves.iter().flat_map(moves).map(super::ends);
    all.map(|(what, from, to)| Moved { what: what.into(), from: from.into(), to: to.into() })
        .collect()
}

/// Draws a difference for people.
///
/// # Errors
/// Those of `out`.
pub fn plan_diff_text(diff: &PlanDiff, out: &mut dyn Write) -> io::Result<()> {
    let [was, is] = diff.waves;
    let [before, after] = [&diff.before, &diff.after].map(|id| printable(id));
    writeln!(out, "plan {before} → {after}  waves {was} → {is}")?;
    for TargetDiff { target, before, after } in &diff.targets {
        writeln!(out, "  {}: {before} → {after}", printable(target))?;
    }
    for (sign, moves) in [('-', &diff.moves_removed), ('+', &diff.moves_added)] {
        for Moved { what, from, to } in moves {
            let [what, from, to] = [what, from, to].map(|t| printable(t));
            writeln!(out, "{sign} {what}: {from} → {to}")?;
        }
    }
    writeln!(
        out,
        "{} of other fate, {} added, {} removed",
        crate::tally::count(diff.targets.len(), "target"),
        crate::tally::count(diff.moves_added.len(), "move"),
        diff.moves_removed.len(),
    )
}
