//! How many findings of which kind a snapshot has: what summaries count and
//! what a trend is made of.

use std::collections::BTreeMap;

use tidegate_model::{Severity, SnapshotId, Timestamp};

use crate::text::{State, silent};
use crate::{Change, Report, SubjectReport};

/// A snapshot in a trend. Made of a report, or by the caller from what it kept
/// of earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendPoint {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Fails that no waiver accepts, by severity of the rule; severities
    /// without one are absent.
    pub findings: BTreeMap<Severity, usize>,
    /// Fails that a waiver accepts.
    pub waived: usize,
    /// What could not be judged or has no evidence.
    pub not_judged: usize,
}

impl From<&SubjectReport> for TrendPoint {
    fn from(subject: &SubjectReport) -> Self {
        let tally = Tally::of(subject);
        Self {
            snapshot: subject.snapshot.clone(),
            taken_at: subject.taken_at,
            findings: tally.open,
            waived: tally.waived,
            not_judged: tally.not_judged + tally.missing,
        }
    }
}

/// The findings of one or several clouds, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Open fails by severity.
    pub(crate) open: BTreeMap<Severity, usize>,
    pub(crate) waived: usize,
    pub(crate) not_judged: usize,
    pub(crate) missing: usize,
    /// Those that count against the cloud and that the baseline does not have.
    pub(crate) new: usize,
    /// Whether there is a baseline.
    pub(crate) compared: bool,
}

impl Tally {
    pub(crate) fn of(subject: &SubjectReport) -> Self {
        let mut tally = Self::default();
        for rule in &subject.rules {
            for finding in &rule.findings {
                let state = State::of(finding);
                match state {
                    State::Fail => *tally.open.entry(rule.meta.severity).or_default() += 1,
                    State::Waived => tally.waived += 1,
                    State::NotJudged => tally.not_judged += 1,
                    State::Missing => tally.missing += 1,
                }
                tally.compared |= finding.change.is_some();
                if state != State::Waived && finding.change.is_some_and(Change::is_new) {
                    tally.new += 1;
                }
            }
        }
        tally
    }

    pub(crate) fn add(&mut self, more: &Self) {
        let Self { open, waived, not_judged, missing, new, compared } = more;
        for (severity, n) in open {
            *self.open.entry(*severity).or_default() += n;
        }
        self.waived += waived;
        self.not_judged += not_judged;
        self.missing += missing;
        self.new += new;
        self.compared |= compared;
    }

    /// Open fails of any severity.
    pub(crate) fn fails(&self) -> usize {
        self.open.values().sum()
    }
}

/// Why a cloud has no rules, where it has none: none judged it, or all that is
/// broken is known to the baseline and was left out.
pub(crate) fn without_rules(subject: &SubjectReport) -> Option<&'static str> {
    if silent(subject) {
        return Some("No rule judged this cloud.");
    }
    let known = "What is broken is known to the baseline and left out here.";
    subject.rules.is_empty().then_some(known)
}

/// How many findings a comparison left out as known from the baseline.
pub(crate) fn left_out(report: &Report) -> usize {
    let Some(baseline) = &report.summary.baseline else { return 0 };
    let rules = report.subjects.iter().flat_map(|s| &s.rules);
    let there: usize = rules.map(|r| r.findings.len()).sum();
    baseline.changes.values().sum::<usize>().saturating_sub(there)
}

/// `1 finding is`, `2 findings are`.
pub(crate) fn are(findings: usize) -> String {
    let verb = if findings == 1 { "is" } else { "are" };
    format!("{} {verb}", count(findings, "finding"))
}

/// A number with its noun: `1 rule`, `2 rules`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}
