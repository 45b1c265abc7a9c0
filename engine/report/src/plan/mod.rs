//! Plans for those who follow them: a [`PlanReport`], several formats.
//!
//! [`plan_table`] is for a terminal, [`plan_markdown`] for the review of a
//! change, [`plan_html`] for a page that needs no network, [`plan_ansible`] for
//! the inventory that kolla-ansible and OSISM are limited by. [`plan_diff`] tells
//! what changed between two plans, [`explain`] why a host is where it is.
//!
//! Whether a plan is safe is not decided here: it comes in as [`Judgement`], and
//! what was not checked is never shown as safe.

mod ansible;
mod diff;
mod explain;
mod gantt;
mod html;
mod markdown;
mod table;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use tidegate_model::Timestamp;
use tidegate_model::fleet::Fleet;
use tidegate_model::plan::{Blocked, Bound, Deadline, DeadlineStatus, Op, Plan, Span, Step, Wave};

use crate::text::printable;

pub use ansible::{AnsibleError, plan_ansible};
pub use diff::{Moved, Place, PlanDiff, TargetDiff, plan_diff, plan_diff_text};
pub use explain::{Explanation, explain};
pub use html::plan_html;
pub use markdown::plan_markdown;
pub use table::plan_table;

/// A plan, and what is known of it besides.
#[derive(Debug, Clone, Copy)]
pub struct PlanReport<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The fleet that it is for; without it there are no times and no capacity.
    pub fleet: Option<&'a Fleet>,
    /// What the checker said.
    pub judgement: &'a Judgement,
}

/// What the checker said of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It was not asked.
    NotChecked,
    /// Every invariant holds; when each wave ends if it begins as early as it may.
    Safe(Vec<Timestamp>),
    /// One clause that names what is broken first.
    Violated(String),
}

impl Judgement {
    /// In a word or a few.
    fn words(&self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            Self::Safe(_) => "safe",
            Self::Violated(_) => "NOT SAFE",
        }
    }
}

impl<'a> PlanReport<'a> {
    /// From when until when each wave runs if it begins as early as it may;
    /// nothing where the plan was not found safe or its fleet is not known.
    fn times(&self) -> Option<Vec<Span>> {
        let (Judgement::Safe(ends), Some(fleet)) = (self.judgement, self.fleet) else {
            return None;
        };
        let mut now = fleet.taken_at;
        let spans = self.plan.waves.iter().zip(ends).map(|(wave, end)| {
            let start = wave.window.map_or(now, |w| w.start.max(now));
            let soak = i64::try_from(wave.soak_s).unwrap_or(i64::MAX);
            let soak = jiff::SignedDuration::from_secs(soak);
            now = end.checked_add(soak).unwrap_or(Timestamp::MAX);
            Span { start, end: *end }
        });
        Some(spans.collect())
    }

    /// Numbers over all waves.
    fn totals(&self) -> Totals<'a> {
        let mut moves: BTreeMap<&str, usize> = BTreeMap::new();
        let mut totals = Totals { bound: self.plan.bounds.first(), ..Totals::default() };
        for wave in &self.plan.waves {
            totals.targets += wave.targets.len();
            for step in &wave.steps {
                match step.op {
                    Op::Migrate => {
                        totals.moves += 1;
                        *moves.entry(step.vm.as_deref().unwrap_or_default()).or_default() += 1;
                    }
                    Op::Evict => totals.evictions += 1,
                    _ => {}
                }
            }
        }
        totals.twice = moves.values().filter(|n| **n > 1).count();
        let late = |d: &&Deadline| d.status != DeadlineStatus::Met;
        totals.late = self.plan.deadlines.iter().filter(late).count();
        totals
    }
}

/// Numbers over all waves.
#[derive(Debug, Default)]
struct Totals<'a> {
    targets: usize,
    moves: usize,
    evictions: usize,
    /// Virtual machines that move more than once.
    twice: usize,
    late: usize,
    /// The greatest.
    bound: Option<&'a Bound>,
}

impl Totals<'_> {
    /// What is done, on one line.
    fn done(&self, plan: &Plan) -> String {
        let count = crate::tally::count;
        let mut text = format!(
            "{} in {}, {} blocked · {}",
            count(self.targets, "target"),
            count(plan.waves.len(), "wave"),
            plan.blocked.len(),
            count(self.moves, "migration"),
        );
        if self.twice > 0 {
            text.push_str(&format!(", {} moved more than once", count(self.twice, "vm")));
        }
        if self.evictions > 0 {
            text.push_str(&format!(", {}", count(self.evictions, "eviction")));
        }
        if !plan.deadlines.is_empty() {
            let all = count(plan.deadlines.len(), "due date");
            text.push_str(&format!(" · {} of {all} not met", self.late));
        }
        text
    }

    /// How far from the best that could be.
    fn gap(&self, plan: &Plan) -> String {
        let Some(bound) = self.bound else { return "no bound is known".to_owned() };
        let waves = u32::try_from(plan.waves.len()).unwrap_or(u32::MAX);
        let more = |gap: u64| match gap {
            0 => "no more".to_owned(),
            gap => format!("{gap} more"),
        };
        let mut text = format!(
            "no plan has fewer than {} (by {}), this one has {}",
            crate::tally::count(bound.waves as usize, "wave"),
            word(&bound.name),
            more(u64::from(waves.saturating_sub(bound.waves))),
        );
        if let Some(least) = plan.migrations_bound {
            let gap = more((self.moves as u64).saturating_sub(least));
            let least =
                crate::tally::count(usize::try_from(least).unwrap_or(usize::MAX), "migration");
            text.push_str(&format!("; none has fewer than {least}, this one {gap}"));
        }
        text
    }
}

/// The name that a value has in JSON.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map(str::to_owned).unwrap_or_default()
}

/// What a block rests on, on one line: `used 12, zone az1`.
fn numbers(blocked: &Blocked) -> String {
    let parts = blocked.numbers.iter().map(|(key, value)| match value {
        Value::String(text) => format!("{key} {text}"),
        other => format!("{key} {other}"),
    });
    printable(&parts.collect::<Vec<_>>().join(", ")).into_owned()
}

/// What becomes of a due date that is not met, in a few words.
fn late(deadline: &Deadline) -> String {
    let Deadline { target: _, due, status, earliest, bound } = deadline;
    let mut text = match status {
        DeadlineStatus::Met => format!("due {due}: met"),
        DeadlineStatus::Impossible => format!("due {due}: no plan can meet it"),
        DeadlineStatus::Undecided => format!("due {due}: this plan does not meet it"),
    };
    if let Some(earliest) = earliest {
        text.push_str(&format!(", earliest {earliest}"));
    }
    if let Some(bound) = bound {
        text.push_str(&format!(" (by {})", word(bound)));
    }
    text
}

/// Its migrations and evictions.
fn moves(wave: &Wave) -> impl Iterator<Item = &Step> {
    wave.steps.iter().filter(|s| matches!(s.op, Op::Migrate | Op::Evict))
}

/// What moves in a migration or an eviction, from where, to where.
fn ends(step: &Step) -> (&str, &str, &str) {
    let what = step.vm.as_deref().or(step.pod.as_deref()).unwrap_or("-");
    (what, step.from.as_deref().unwrap_or("-"), step.to.as_deref().unwrap_or("-"))
}

/// `3h 05m`, `12m`, `40s`.
fn lasts(span: &Span) -> String {
    let seconds = span.end.duration_since(span.start).as_secs().max(0);
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes:02}m"),
    }
}

/// The first names of a list, and how many more there are.
fn first(names: &[String], most: usize) -> String {
    let mut text: Vec<String> =
        names.iter().take(most).map(|n| printable(n).into_owned()).collect();
    if names.len() > most {
        text.push(format!("and {} more", names.len() - most));
    }
    text.join(", ")
}

#[cfg(test)]
mod tests;
