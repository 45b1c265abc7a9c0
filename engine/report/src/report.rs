//! The report model: evaluations, joined with the rules' metadata and with what
//! the collection could not see.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;
use tidegate_model::{
    Counts, Digest, Evaluation, Kind, KindCoverage, RuleId, RuleMeta, Severity, SnapshotId,
    SnapshotMeta, Status, Timestamp, Verdict,
};

use crate::finding::{Change, ReportFinding};
use crate::framework::FrameworkReport;

/// Everything one run has to say.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The shape of this document: `tidegate.report/v1`.
    pub schema_version: &'static str,
    /// The version of tidegate that judged.
    pub tool_version: String,
    /// Parameters of rules that were set for this run, as typed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<String>,
    /// The mode that rules were asked to judge in, where one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// One per cloud, in the order asked for.
    pub subjects: Vec<SubjectReport>,
    /// The frameworks asked for, with the states of their controls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<FrameworkReport>,
    /// Over all subjects.
    pub summary: Summary,
}

/// What was found in one cloud.
#[derive(Debug, Clone, Serialize)]
pub struct SubjectReport {
    /// The snapshot judged.
    pub snapshot: SnapshotId,
    /// When collecting it began.
    pub taken_at: Timestamp,
    /// The time that rules saw as now.
    pub reference_time: Timestamp,
    /// Digest of the rule set.
    pub rule_set: Digest,
    /// The worst verdict of rules and scopes.
    pub verdict: Verdict,
    /// Worst first: by verdict, then severity, then id.
    pub rules: Vec<ReportRule>,
    /// The scopes asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeReport>,
    /// What was looked at and how well.
    pub coverage: Vec<KindCoverage>,
    /// The part of the coverage that is not complete and not simply absent.
    pub gaps: Vec<Gap>,
    /// What the baseline has and this snapshot does not; empty without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolved: Vec<Resolved>,
}

/// One rule with its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct ReportRule {
    /// What the rule is.
    #[serde(flatten)]
    pub meta: RuleMeta,
    /// Its worst verdict.
    pub verdict: Verdict,
    /// How many things got which verdict.
    pub counts: Counts,
    /// Everything that is not a pass.
    pub findings: Vec<ReportFinding>,
}

/// What a version of a certificate scope amounts to.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeReport {
    /// The scope, such as `scs-compatible-iaas`.
    pub scope: String,
    /// Its name as the scope file has it, such as `SCS-compatible IaaS`.
    pub title: String,
    /// Its UUID.
    pub uuid: String,
    /// Where its authors keep the scope file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its version, such as `v5.1`.
    pub version: String,
    /// Its state in the scope's timeline at the reference date.
    pub state: String,
    /// The worst of its main testcases.
    pub verdict: Verdict,
    /// Its testcases, in the scope's order.
    pub testcases: Vec<TestcaseReport>,
}

/// One testcase of a scope.
#[derive(Debug, Clone, Serialize)]
pub struct TestcaseReport {
    /// Its id; that of the rule.
    pub id: String,
    /// The target that counts it, such as `main`.
    pub target: String,
    /// Its verdict; Missing where no rule judges it, where the rule found no
    /// evidence, and where the result no longer counts.
    pub verdict: Verdict,
    /// From the beginning of which day (UTC) a result from this snapshot no
    /// longer counts; absent where no rule judges the testcase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
    /// Whether it rests on evidence, a probe's or a person's, that stops counting
    /// before a result of this snapshot would.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub older: bool,
    /// Whether it is Missing because that day has come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

/// A Fail that the baseline has and this snapshot does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// The finding's id.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The resource, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What changed: `new` for the cloud, `policy`, or `coverage` if it can no
    /// longer be judged and so may still be there.
    pub change: Change,
}

/// Numbers compared with the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaselineSummary {
    /// What it is: a snapshot's id or a file's name.
    pub name: String,
    /// Findings by how they stand to it.
    pub changes: BTreeMap<Change, usize>,
    /// Fails that it has and that are no more.
    pub resolved: usize,
}

/// A kind that could not be read as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The kind.
    pub kind: String,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// One clause on why.
    pub reason: String,
    /// How many rules could not be judged, wholly or in part, that need it.
    pub rules_affected: usize,
}

/// Numbers over all subjects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Rules that hold.
    pub passed: usize,
    /// Rules that are broken, by more than what is waived.
    pub failed: usize,
    /// Rules that could not be judged.
    pub not_judged: usize,
    /// Rules that found no evidence, and testcases of requested scopes that no
    /// rule judges or whose result has expired.
    pub missing: usize,
    /// Fails that no waiver accepts, by severity of the rule.
    pub findings: BTreeMap<Severity, usize>,
    /// Fails that a waiver accepts.
    pub waived: usize,
    /// Compared with the baseline; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineSummary>,
    /// Kinds looked at.
    pub kinds: usize,
    /// Kinds that could not be read as they should.
    pub kinds_with_gaps: usize,
    /// The exit code of the run.
    pub exit: u8,
}

impl SubjectReport {
    /// Joins an evaluation with the rules' metadata and the snapshot's
    /// coverage. A rule without metadata is left out; there is none if both
    /// come from the same rule set.
    #[must_use]
    pub fn new(
        evaluation: Evaluation,
        rules: &BTreeMap<RuleId, RuleMeta>,
        snapshot: &SnapshotMeta,
        scopes: Vec<ScopeReport>,
    ) -> Self {
        let verdict = Verdict::of_set(
            std::iter::once(evaluation.verdict()).chain(scopes.iter().map(|s| s.verdict)),
        );
        let subject = evaluation.snapshot.subject.clone();
        let mut rules: Vec<ReportRule> = evaluation
            .rules
            .into_iter()
            .filter_map(|(id, outcome)| {
                let found = outcome.findings.into_iter();
                let findings = found.map(|f| ReportFinding::new(&subject, &id, f)).collect();
                Some(ReportRule {
                    meta: rules.get(&id)?.clone(),
                    verdict: outcome.verdict,
                    counts: outcome.counts,
                    findings,
                })
            })
            .collect();
        worst_first(&mut rules);
        let gaps = gaps(&snapshot.coverage, &rules);
        Self {
            snapshot: evaluation.snapshot,
            taken_at: evaluation.taken_at,
            reference_time: evaluation.reference_time,
            rule_set: evaluation.rule_set,
            verdict,
            rules,
            scopes,
            coverage: snapshot.coverage.clone(),
            gaps,
            resolved: Vec::new(),
        }
    }

    /// Puts the rules into order again.
    pub(crate) fn sort(&mut self) {
        worst_first(&mut self.rules);
    }
}

fn worst_first(rules: &mut [ReportRule]) {
    rules.sort_by(|a, b| {
        let rank = |r: &ReportRule| Reverse((r.verdict, r.open() > 0, r.meta.severity));
        rank(a).cmp(&rank(b)).then_with(|| a.meta.id.cmp(&b.meta.id))
    });
}

impl ReportRule {
    /// How many Fails no waiver accepts.
    #[must_use]
    pub fn open(&self) -> usize {
        self.findings.iter().filter(|f| f.finding.verdict == Verdict::Fail && f.open()).count()
    }

    /// How many Fails are waived.
    #[must_use]
    pub fn waived(&self) -> usize {
        self.findings.iter().filter(|f| f.waiver.is_some()).count()
    }
}

/// The coverage entries that a reader has to know of, most felt first. A kind
/// that the cloud does not offer is no gap unless a rule stumbled over it.
fn gaps(coverage: &[KindCoverage], rules: &[ReportRule]) -> Vec<Gap> {
    let aborted = rules.iter().filter(|r| r.counts.abort > 0);
    let needed: Vec<BTreeSet<Kind>> =
        aborted.map(|r| tidegate_derive::collected(r.meta.kinds.iter().cloned())).collect();
    let mut gaps: Vec<Gap> = coverage
        .iter()
        .filter_map(|c| {
            let rules_affected = needed.iter().filter(|kinds| kinds.contains(&c.kind)).count();
            let reason = match &c.status {
                Status::Complete { .. } => return None,
                Status::Absent if rules_affected == 0 => return None,
                Status::Absent
                | Status::Subset { .. }
                | Status::Forbidden
                | Status::Failed { .. }
                | Status::Inconsistent => c.status.to_string(),
            };
            Some(Gap {
                kind: c.kind.to_string(),
                region: c.region.as_deref().map(str::to_owned),
                reason,
                rules_affected,
            })
        })
        .collect();
    gaps.sort_by(|a, b| {
        b.rules_affected
            .cmp(&a.rules_affected)
            .then_with(|| (&a.kind, &a.region).cmp(&(&b.kind, &b.region)))
    });
    gaps
}

impl Report {
    /// The name and version of the JSON shape.
    pub const SCHEMA: &'static str = "tidegate.report/v1";

    /// Puts the subjects' reports together; `exit` is left at 0.
    #[must_use]
    pub fn new(tool_version: &str, subjects: Vec<SubjectReport>) -> Self {
        let mut report = Self {
            schema_version: Self::SCHEMA,
            tool_version: tool_version.to_owned(),
            parameters: Vec::new(),
            mode: None,
            subjects,
            frameworks: Vec::new(),
            summary: Summary::default(),
        };
        report.sum();
        report
    }

    /// Counts anew, after findings were waived or hidden.
    pub fn sum(&mut self) {
        let mut summary = Summary::default();
        for subject in &self.subjects {
            for rule in &subject.rules {
                match rule.verdict {
                    Verdict::Pass => summary.passed += 1,
                    Verdict::Fail if rule.open() > 0 => summary.failed += 1,
                    // All that fails is waived or hidden; the rest still counts.
                    Verdict::Fail if rule.counts.missing > 0 => summary.missing += 1,
                    Verdict::Fail if rule.counts.abort > 0 => summary.not_judged += 1,
                    Verdict::Fail => {}
                    Verdict::Abort => summary.not_judged += 1,
                    Verdict::Missing => summary.missing += 1,
                }
                summary.waived += rule.waived();
                let fails = rule.open();
                if fails > 0 {
                    *summary.findings.entry(rule.meta.severity).or_default() += fails;
                }
            }
            let counted = |id: &str| {
                let mut rules = subject.rules.iter();
                rules.any(|r| r.meta.id.as_str() == id && r.verdict == Verdict::Missing)
            };
            let testcases = subject.scopes.iter().flat_map(|s| &s.testcases);
            let missing = testcases.filter(|t| t.verdict == Verdict::Missing && !counted(&t.id));
            summary.missing += missing.map(|t| &t.id).collect::<BTreeSet<_>>().len();
            summary.kinds += subject.coverage.len();
            summary.kinds_with_gaps += subject.gaps.len();
        }
        let Summary { exit, ref mut baseline, .. } = self.summary;
        self.summary = Summary { exit, baseline: baseline.take(), ..summary };
    }

    /// Whether anything could not be decided: an Abort or a Missing anywhere,
    /// or a subject about which no rule said anything.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.summary.missing > 0
            || self.subjects.iter().any(|s| s.rules.is_empty() && s.verdict == Verdict::Missing)
            || self
                .subjects
                .iter()
                .flat_map(|s| &s.rules)
                .any(|r| r.counts.abort > 0 || r.counts.missing > 0)
            || self
                .subjects
                .iter()
                .flat_map(|s| &s.scopes)
                .any(|s| matches!(s.verdict, Verdict::Abort | Verdict::Missing))
    }

    /// Whether a rule of at least `threshold` severity is broken, or one that
    /// judges a main testcase of a requested scope. What is waived does not
    /// count, and neither does what was hidden as known.
    #[must_use]
    pub fn fails_at(&self, threshold: Severity) -> bool {
        self.subjects.iter().any(|s| {
            let main = |id: &RuleId| {
                let mut all = s.scopes.iter().flat_map(|s| &s.testcases);
                all.any(|t| t.target == "main" && t.id == id.as_str())
            };
            let counts = |r: &&ReportRule| r.open() > 0;
            s.rules.iter().filter(counts).any(|r| r.meta.severity >= threshold || main(&r.meta.id))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_model::Visibility;

    use super::*;

    #[test]
    fn a_gap_in_the_input_of_a_derived_kind_is_felt_by_its_rules() {
        let coverage = KindCoverage {
            source: Arc::from("kubernetes"),
            region: None,
            kind: Kind::new("apps.Deployment").unwrap(),
            status: Status::Forbidden,
            visibility: Visibility::All,
            read_from: Timestamp::UNIX_EPOCH,
            read_until: Timestamp::UNIX_EPOCH,
        };
        let rule = |kind: &str, abort| ReportRule {
            meta: RuleMeta {
                id: RuleId::new("r").unwrap(),
                title: String::new(),
                description: String::new(),
                severity: Severity::Low,
                kinds: vec![Kind::new(kind).unwrap()],
                standard: None,
                remediation: String::new(),
                bundle: String::new(),
                file: String::new(),
            },
            verdict: Verdict::Abort,
            counts: Counts { abort, ..Counts::default() },
            findings: Vec::new(),
        };
        let rules = [
            rule("kubernetes.workload", 1),
            rule("kubernetes.workload", 0),
            rule("kubernetes.access", 1),
            rule("apps.Deployment", 1),
        ];
        let gaps = gaps(&[coverage], &rules);
        assert_eq!(gaps.iter().map(|g| g.rules_affected).collect::<Vec<_>>(), [2]);
    }
}
