//! Judges a snapshot with a rule set, anew or carrying forward what cannot
//! have changed.
//!
//! ```text
//! prior blob ─▶ state: findings, keys, join indexes ──┐ what changed since
//!                                                      ▼
//! targets of joins read ─▶ who has to be judged again ─▶ resource rules, kind by kind
//!                                                      └▶ rules on collections, group by group
//!                                                      ▼
//!                                     Evaluation + blob for the next snapshot
//! ```
//!
//! Rules see the snapshot's derived kinds beside its own
//! ([`tidegate_derive::Derived`]); findings on a derived fact name the resource
//! that it stands for.
//!
//! Bodies are parsed as far as some rule reads them ([`crate::reads`]), and a rule is
//! asked once about resources in which it reads the same ([`crate::memo`]).
//!
//! Without a blob that fits, the state starts empty and everything is judged:
//! both ways run the same code. A blob fits if it was made with the same
//! digest and the same choice of rules, from the same subject at this or an
//! earlier snapshot whose changes are known, for a reference time not later.
//!
//! What is judged again: resources that changed, came or were not seen; those
//! whose lookups may answer otherwise; those that hit a limit; all of a rule
//! whose answers no longer hold at the reference time or whose joined kinds
//! changed coverage; rules on collections any of whose kinds changed.
//!
//! Gaps in the coverage of a rule's own kinds are findings on the subject and
//! are taken from the snapshot each time. What was seen is judged nevertheless:
//! a Fail that was found is a Fail.

mod collections;
mod resources;
mod rule;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tidegate_derive::{Derived, source_key};
use tidegate_model::{
    Counts, Evaluation, Facts, FactsError, Finding, Kind, RuleId, RuleOutcome, Timestamp, Verdict,
};

use crate::coverage::Coverage;
use crate::input::BATCH;
use crate::loaded::Reader;
use crate::metadata::{Input, Rule};
use crate::program::{Limits, Runner};
use crate::ruleset::RuleSet;
use state::State;

/// How to judge.
#[derive(Debug, Clone)]
pub struct Options<'p> {
    /// The time that rules see as now; usually the snapshot's `taken_at`.
    pub reference_time: Timestamp,
    /// What one evaluation of one rule may use.
    pub limits: Limits,
    /// [`Judged::carry`] of an earlier evaluation, if there is one. One that
    /// does not fit is ignored.
    pub prior: Option<&'p [u8]>,
    /// Judge only these rules; all if absent. Unknown ids are ignored.
    pub only: Option<BTreeSet<RuleId>>,
    /// The other subjects of the store, for rules that look things up there
    /// ([`RuleSet::looks_across`]): of each the newest snapshot that is not
    /// later than the one judged.
    pub others: Others<'p>,
}

/// Snapshots of other subjects.
#[derive(Clone, Default)]
pub struct Others<'p>(pub Vec<&'p dyn Facts>);

impl fmt::Debug for Others<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|facts| &facts.meta().id)).finish()
    }
}

impl Options<'_> {
    /// Everything anew, within the default limits.
    #[must_use]
    pub fn fresh(reference_time: Timestamp) -> Self {
        Self {
            reference_time,
            limits: Limits::default(),
            prior: None,
            only: None,
            others: Others::default(),
        }
    }
}

/// The result of judging.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What the rules said. The same whether carried forward or judged anew.
    pub evaluation: Evaluation,
    /// For [`Options::prior`] at the next snapshot. Opaque; its bytes may
    /// differ between versions of this crate. Whoever keeps it notices damage:
    /// there is no checksum in it.
    pub carry: Vec<u8>,
    /// What it took.
    pub stats: Stats,
}

/// What an evaluation took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Whether the prior blob fitted.
    pub carried: bool,
    /// How many resources were read.
    pub read: u64,
    /// How many times a rule was judged.
    pub judged: u64,
}

/// Judges the snapshot behind `facts`.
///
/// Findings are in order: those on the subject or a region first, then by
/// resource key. A rule's counts hold one entry per resource judged (per region
/// or subject for rules on collections) and one Abort per gap in coverage.
///
/// Deterministic: the same snapshot, rule set and reference time give the same
/// evaluation, unless the time limit strikes. Costs 5 to 15 µs per resource and
/// rule anew where a rule reads something new, a tenth of that where it read the
/// same before, and next to nothing for what is carried.
///
/// # Errors
/// If the snapshot cannot be read. What a rule does wrong is
/// an Abort in its outcome.
pub fn evaluate(
    set: &RuleSet,
    facts: &dyn Facts,
    options: &Options<'_>,
) -> Result<Judged, FactsError> {
    let chosen = |id: &RuleId| options.only.as_ref().is_none_or(|only| only.contains(id));
    let rules: Vec<usize> = set
        .definitions()
        .iter()
        .enumerate()
        .filter_map(|(n, r)| chosen(&r.meta.id).then_some(n))
        .collect();
    let kinds: BTreeSet<&Kind> =
        rules.iter().filter_map(|at| set.definitions().get(*at)).flat_map(Rule::kinds).collect();
    let derived = Derived::new(facts, kinds);
    let facts: &dyn Facts = &derived;
    let meta = facts.meta();
    let coverage = Coverage::new(&meta.coverage);
    let mut state = State::begin(set, rules, &derived, options, &coverage)?;
    let mut runner = Runner::new(&set.machine, options.limits);
    state.read_targets(set, facts)?;
    resources::judge(&mut state, set, facts, &coverage, &mut runner)?;
    state.settle();
    collections::judge(&mut state, set, facts, (&coverage, &options.others.0), &mut runner)?;
    state.release();
    let mut outcomes = BTreeMap::new();
    for at in 0..state.rules.len() {
        let Some((rule, mut findings, mut counts)) = state.outcome(set, at) else { continue };
        let valid_until = state.valid_until(rule, at);
        if rule.input == Input::Resource {
            let gaps = coverage.gaps(rule);
            counts.abort += gaps.len() as u64;
            findings.extend(gaps.into_iter().map(|(region, cause)| Finding {
                resource: None,
                region: region.map(str::to_owned),
                project: None,
                name: None,
                verdict: Verdict::Abort,
                violations: Arc::default(),
                cause: Some(cause),
            }));
        }
        for finding in &mut findings {
            finding.resource = finding.resource.as_ref().map(source_key);
        }
        findings.sort_by(|a, b| {
            let [a, b] = [a, b].map(|f| (&f.resource, &f.region, &f.cause));
            a.cmp(&b)
        });
        let outcome = RuleOutcome { verdict: verdict(counts), counts, valid_until, findings };
        outcomes.insert(rule.meta.id.clone(), outcome);
    }
    let stats = state.stats;
    let carry = state.finish(set, &derived, options);
    let evaluation = Evaluation {
        snapshot: meta.id.clone(),
        taken_at: meta.taken_at,
        reference_time: options.reference_time,
        rule_set: set.digest(),
        rules: outcomes,
    };
    Ok(Judged { evaluation, carry, stats })
}

/// Reads and parses all resources that a set judges, without
/// judging: for the bench, which sets one off against the other.
///
/// # Errors
/// As [`evaluate`].
#[doc(hidden)]
pub fn parse_only(set: &RuleSet, facts: &dyn Facts) -> Result<u64, FactsError> {
    let mut reader = Reader::new(&set.bodies);
    let mut read = 0;
    for kind in set.kinds() {
        let mut batch = Vec::with_capacity(BATCH);
        facts.each(&kind, &mut |fact| {
            batch.push(fact);
            if batch.len() == BATCH {
                read += reader.load(std::mem::take(&mut batch)).len() as u64;
            }
        })?;
        read += reader.load(batch).len() as u64;
    }
    Ok(read)
}

/// The worst verdict among those counted; nothing judged passes, since what
/// could not be judged would have been counted.
fn verdict(counts: Counts) -> Verdict {
    match counts {
        Counts { fail: 1.., .. } => Verdict::Fail,
        Counts { missing: 1.., .. } => Verdict::Missing,
        Counts { abort: 1.., .. } => Verdict::Abort,
        Counts { .. } => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests;
