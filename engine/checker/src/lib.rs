//! An independent judge of plans.
//!
//! [`check`] replays a plan from the fleet it is for and recounts every
//! invariant of the safety model (`docs/planning.md`) in the worst state that the
//! steps of each phase can leave; then it verifies what the plan says of itself:
//! that every target is updated once or blocked, and that bounds, reasons and
//! due dates hold. It shares types with the planner and nothing else: no code
//! of the one that made a plan decides whether it is safe.
//!
//! It does not plan, read a clock, or print.

mod blocked;
mod bounds;
mod capacity;
mod ceph;
mod due;
mod ground;
mod order;
mod pods;
mod quorum;
mod replay;
mod skew;
mod state;
mod table;
mod versions;
mod violation;
mod waves;

pub use violation::{Invariant, Violation};

use std::collections::BTreeMap;

use tidegate_model::Timestamp;
use tidegate_model::fleet::Fleet;
use tidegate_model::intent::Intent;
use tidegate_model::plan::Plan;
use tidegate_model::versions::VersionRules;

/// A plan that keeps every invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many targets it updates.
    pub updated: usize,
    /// How many it does not.
    pub blocked: usize,
    /// When each wave ends if it begins as early as it may.
    pub ends: Vec<Timestamp>,
}

/// Judges a plan. `fleet` is what the plan starts from and hangs together
/// ([`Fleet::check`]); a plan for a fleet that has moved on is judged by what
/// the fleet is now.
///
/// Deterministic. Costs one pass over the fleet for each wave and one over the
/// steps: below a second for 10,000 hosts and 200,000 virtual machines.
///
/// # Errors
/// The first [`Violation`], by wave, phase and step.
pub fn check(
    fleet: &Fleet,
    intent: &Intent,
    plan: &Plan,
    rules: &VersionRules,
) -> Result<Checked, Violation> {
    let wrong =
        |problem: String| Violation { invariant: Invariant::Form, wave: None, step: None, problem };
    if plan.schema != Plan::SCHEMA {
        return Err(wrong(format!("its schema is `{}`", plan.schema)));
    }
    // Both are a pass over the whole fleet.
    let (problems, ground) = std::thread::scope(|scope| {
        let problems = scope.spawn(|| fleet.check());
        let ground = ground::Ground::new(fleet, intent, rules);
        let problems = problems.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (problems, ground)
    });
    if let Some(problem) = problems.into_iter().next() {
        return Err(wrong(format!("the fleet contradicts itself: {problem}")));
    }
    let targets = waves::sequence(&ground, plan)?;
    let seconds = replay::replay(&ground, plan, rules)?;
    let ends = waves::times(&ground, plan, &seconds)?;
    let mut blocked: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &plan.blocked {
        *blocked.entry(&one.target).or_default() += 1;
    }
    for target in ground.wanted.keys() {
        let blocked = blocked.get(target).copied().unwrap_or(0);
        let places = blocked + usize::from(targets.contains(target));
        if places != 1 {
            let problem = format!("`{target}` is in waves and blocked {places} times, not once");
            let invariant = Invariant::Targets;
            return Err(Violation { invariant, wave: None, step: None, problem });
        }
    }
    blocked::check(&ground, plan, rules, &ends)?;
    bounds::check(&ground, plan, &targets)?;
    due::check(&ground, plan, &ends)?;
    Ok(Checked { updated: targets.len(), blocked: plan.blocked.len(), ends })
}

#[cfg(test)]
mod tests;
