//! How many findings of which kind a snapshot has: what summaries count and
//! what a trend is made of.

use std::collections::BTreeMap;

use tidegate_model::{Severity, SnapshotId, Timestamp};

use crate::text::State;
use crate::{Change, SubjectReport};

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

/// A number with its noun: `1 rule`, `2 rules`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}
