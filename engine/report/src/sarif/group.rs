//! Which findings make one result.

use std::collections::BTreeMap;

use tidegate_model::Digest;

use super::{RESULTS, SarifOptions};
use crate::text::State;
use crate::{ReportFinding, ReportRule, SubjectReport};

/// How findings are put together, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Resource,
    Project,
    Rule,
}

/// The findings of one rule that make one result; at least one.
pub(super) struct Group<'a> {
    pub(super) findings: Vec<&'a ReportFinding>,
    pub(super) first: &'a ReportFinding,
    pub(super) fingerprint: String,
}

impl By {
    /// The finest that keeps the cloud within what code scanning shows.
    pub(super) fn for_subject(subject: &SubjectReport, options: SarifOptions) -> Self {
        let results = |by: Self| -> usize {
            subject.rules.iter().map(|r| groups(subject, r, by, options).len()).sum()
        };
        let findings: usize = subject.rules.iter().map(|r| r.findings.len()).sum();
        if findings <= RESULTS || results(Self::Resource) <= RESULTS {
            Self::Resource
        } else if results(Self::Project) <= RESULTS {
            Self::Project
        } else {
            Self::Rule
        }
    }

    /// The clause that says so in a message.
    pub(super) fn note(self) -> &'static str {
        match self {
            Self::Resource => "",
            Self::Project => "grouped by rule and project, as the run has more than 5000 findings",
            Self::Rule => "grouped by rule, as the run has more than 5000 findings",
        }
    }
}

/// What all findings of a group have in common.
type Key<'a> = (Option<&'a str>, State, Option<&'a str>);

/// The results of a rule: findings in their order, or groups in order of
/// project, state and waiver. What changed since the baseline makes no group of
/// its own, or a group would be another one the next night.
pub(super) fn groups<'a>(
    subject: &SubjectReport,
    rule: &'a ReportRule,
    by: By,
    options: SarifOptions,
) -> Vec<Group<'a>> {
    let shown = |f: &&ReportFinding| !(options.leave_out_waived && State::of(f) == State::Waived);
    let findings = rule.findings.iter().filter(shown);
    if by == By::Resource {
        let single =
            |f: &'a ReportFinding| Group { findings: vec![f], first: f, fingerprint: f.id.clone() };
        return findings.map(single).collect();
    }
    let mut found: BTreeMap<Key<'a>, Vec<&'a ReportFinding>> = BTreeMap::new();
    for f in findings {
        let project = f.finding.project.as_deref().filter(|_| by == By::Project);
        let waiver = f.waiver.as_ref().map(|w| w.id.as_str());
        found.entry((project, State::of(f), waiver)).or_default().push(f);
    }
    let groups = found.into_iter().filter_map(|((project, state, waiver), findings)| {
        let by = match by {
            By::Resource => "resource",
            By::Project => "project",
            By::Rule => "rule",
        };
        let parts = [
            subject.snapshot.subject.as_str(),
            rule.meta.id.as_str(),
            by,
            project.unwrap_or_default(),
            state.name(),
            waiver.unwrap_or_default(),
        ];
        let mut fingerprint = Digest::of(parts.join("\0").as_bytes()).to_string();
        fingerprint.truncate(32);
        Some(Group { first: findings.first()?, findings, fingerprint })
    });
    groups.collect()
}

/// Whether the cloud was compared with a baseline: then every result of the run
/// says how it stands to it.
pub(super) fn has_baseline(subject: &SubjectReport) -> bool {
    subject.rules.iter().flat_map(|r| &r.findings).any(|f| f.change.is_some())
}
