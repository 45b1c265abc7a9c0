//! What is new since an earlier run, and why.
//!
//! A baseline is what was found then: a JSON report, or a snapshot of the store
//! with its evaluation as made then. Where the snapshot can still be judged with
//! the rules of today, a change of the rules is told from a change of the cloud.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tidegate_model::{Evaluation, ResourceKey, RuleId, Subject, Verdict, Violation};

use crate::finding::{Change, ReportFinding};
use crate::report::{BaselineSummary, Report, Resolved, SubjectReport};

/// What was found in the past.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// What it is called: a snapshot's id or a file's name.
    pub name: String,
    subjects: BTreeMap<Subject, Past>,
}

/// What was found in one subject.
#[derive(Debug, Clone, Default)]
struct Past {
    then: Found,
    /// The same snapshot, judged with the rules of today.
    again: Option<Found>,
}

/// The findings of one evaluation.
#[derive(Debug, Clone, Default)]
struct Found {
    findings: BTreeMap<String, Known>,
    /// The rules that could not judge everything.
    unsure: BTreeSet<String>,
    rules: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Known {
    rule: String,
    resource: Option<String>,
    verdict: Verdict,
    /// What was wrong: path and message of each violation.
    wrong: BTreeSet<(String, String)>,
    /// Whether it was accepted, and so nobody was told to mend it.
    waived: bool,
}

impl Known {
    /// Whether it covers a finding of now: the same verdict, nothing more wrong,
    /// and not only accepted then.
    fn covers(&self, now: &Self) -> bool {
        self.verdict == now.verdict
            && now.wrong.is_subset(&self.wrong)
            && (now.waived || !self.waived)
    }
}

/// A file that is no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a JSON report of tidegate: {problem}")]
pub struct BaselineError {
    /// One clause.
    pub problem: String,
}

#[derive(Deserialize)]
struct File {
    schema_version: String,
    subjects: Vec<FileSubject>,
}

#[derive(Deserialize)]
struct FileSubject {
    snapshot: tidegate_model::SnapshotId,
    rules: Vec<FileRule>,
}

#[derive(Deserialize)]
struct FileRule {
    id: RuleId,
    findings: Vec<FileFinding>,
}

#[derive(Deserialize)]
struct FileFinding {
    id: String,
    resource: Option<ResourceKey>,
    verdict: Verdict,
    #[serde(default)]
    violations: Vec<Violation>,
    waiver: Option<serde::de::IgnoredAny>,
}

/// Path and message of each violation.
fn what_is_wrong(violations: &[Violation]) -> BTreeSet<(String, String)> {
    violations.iter().map(|v| (v.path.clone(), v.message.clone())).collect()
}

fn known(rule: &RuleId, found: &ReportFinding) -> Known {
    let ReportFinding { id: _, finding, change: _, waiver } = found;
    Known {
        rule: rule.to_string(),
        resource: finding.resource.as_ref().map(ToString::to_string),
        verdict: finding.verdict,
        wrong: what_is_wrong(&finding.violations),
        waived: waiver.is_some(),
    }
}

impl Found {
    fn add(&mut self, id: String, known: Known) {
        if known.verdict != Verdict::Fail {
            self.unsure.insert(known.rule.clone());
        }
        self.findings.insert(id, known);
    }

    fn of(evaluation: &Evaluation) -> Self {
        let mut found = Self::default();
        for (rule, outcome) in &evaluation.rules {
            found.rules.insert(rule.to_string());
            for finding in &outcome.findings {
                let subject = &evaluation.snapshot.subject;
                let named = ReportFinding::new(subject, rule, finding.clone());
                found.add(named.id.clone(), known(rule, &named));
            }
        }
        found
    }

    fn fails(&self, id: &str) -> bool {
        self.findings.get(id).is_some_and(|k| k.verdict == Verdict::Fail)
    }
}

impl Baseline {
    /// An empty baseline: everything is new.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), subjects: BTreeMap::new() }
    }

    /// Reads a JSON report of tidegate, of this or an earlier run.
    ///
    /// # Errors
    /// [`BaselineError`] if it is none, or one of a shape not known here.
    pub fn from_json(name: &str, text: &str) -> Result<Self, BaselineError> {
        let wrong = |problem: String| BaselineError { problem };
        let file: File = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if file.schema_version != Report::SCHEMA {
            return Err(wrong(format!("its shape is `{}`", file.schema_version)));
        }
        let mut baseline = Self::new(name);
        for subject in file.subjects {
            let past = baseline.subjects.entry(subject.snapshot.subject).or_default();
            for rule in subject.rules {
                past.then.rules.insert(rule.id.to_string());
                for f in rule.findings {
                    let known = Known {
                        rule: rule.id.to_string(),
                        resource: f.resource.as_ref().map(ToString::to_string),
                        verdict: f.verdict,
                        wrong: what_is_wrong(&f.violations),
                        waived: f.waiver.is_some(),
                    };
                    past.then.add(f.id, known);
                }
            }
        }
        Ok(baseline)
    }

    /// Adds what was found in a snapshot: as judged then, and as judged with the
    /// rules of today. Without an evaluation of then, today's stands for both.
    pub fn add(&mut self, then: Option<&Evaluation>, again: &Evaluation) {
        let subject = again.snapshot.subject.clone();
        let again = Found::of(again);
        let then = then.map_or_else(|| again.clone(), Found::of);
        self.subjects.insert(subject, Past { then, again: Some(again) });
    }

    /// Says of every finding how it stands to the baseline, and lists what is
    /// no more. With `only_new`, known Fails are left out; what could not be
    /// judged stays, since it may hide something new.
    pub fn compare(&self, report: &mut Report, only_new: bool) {
        let mut changes: BTreeMap<Change, usize> = BTreeMap::new();
        let mut resolved = 0;
        for subject in &mut report.subjects {
            let none = Past::default();
            let past = self.subjects.get(&subject.snapshot.subject).unwrap_or(&none);
            past.mark(subject);
            for finding in subject.rules.iter().flat_map(|r| &r.findings) {
                *changes.entry(finding.change.unwrap_or(Change::New)).or_default() += 1;
            }
            resolved += subject.resolved.len();
            if only_new {
                hide_known(subject);
            }
        }
        report.sum();
        report.summary.baseline =
            Some(BaselineSummary { name: self.name.clone(), changes, resolved });
    }
}

impl Past {
    fn mark(&self, subject: &mut SubjectReport) {
        let mut now = Found::default();
        for rule in &mut subject.rules {
            let id = rule.meta.id.clone();
            now.rules.insert(id.to_string());
            // Rules about waivers are ours, and no bundle changed.
            let ours = rule.meta.bundle == crate::waiver::BUNDLE;
            for found in &mut rule.findings {
                let known = known(&id, found);
                found.change = Some(match self.change(&found.id, &known) {
                    Change::Policy if ours => Change::New,
                    change => change,
                });
                now.add(found.id.clone(), known);
            }
        }
        let gone = self
            .then
            .findings
            .iter()
            .filter(|(id, known)| known.verdict == Verdict::Fail && !now.fails(id));
        subject.resolved = gone
            .map(|(id, known)| Resolved {
                id: id.clone(),
                rule: known.rule.clone(),
                resource: known.resource.clone(),
                change: if !now.rules.contains(&known.rule) {
                    Change::Policy
                } else if now.unsure.contains(&known.rule) {
                    Change::Coverage
                } else if self.again.as_ref().is_some_and(|again| !again.fails(id)) {
                    Change::Policy
                } else {
                    Change::New
                },
            })
            .collect();
    }

    fn change(&self, id: &str, now: &Known) -> Change {
        if self.then.findings.get(id).is_some_and(|then| then.covers(now)) {
            return Change::Unchanged;
        }
        let again = self.again.as_ref().and_then(|a| a.findings.get(id));
        // One that was accepted then and is not now is new, whatever the rules.
        let was_waived = self.then.findings.get(id).is_some_and(|then| then.waived);
        if again.is_some_and(|again| again.covers(now)) && !was_waived {
            return Change::Policy;
        }
        if !self.then.rules.is_empty() && !self.then.rules.contains(&now.rule) {
            return Change::Policy;
        }
        match now.verdict {
            Verdict::Fail if self.then.fails(id) => Change::New,
            Verdict::Fail if self.then.unsure.contains(&now.rule) => Change::Coverage,
            Verdict::Fail => Change::New,
            Verdict::Abort | Verdict::Missing | Verdict::Pass => Change::Coverage,
        }
    }
}

/// Leaves out the Fails that the baseline has, and the rules about which nothing
/// else is to be said.
fn hide_known(subject: &mut SubjectReport) {
    for rule in &mut subject.rules {
        let known = |f: &ReportFinding| {
            f.finding.verdict == Verdict::Fail && f.change == Some(Change::Unchanged)
        };
        rule.findings.retain(|f| !known(f));
    }
    subject.rules.retain(|r| r.verdict != Verdict::Fail || !r.findings.is_empty());
}

#[cfg(test)]
mod tests;
