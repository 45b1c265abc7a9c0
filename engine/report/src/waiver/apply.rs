//! Lays waivers over what was found.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_model::{
    Counts, Finding, RuleId, RuleMeta, Severity, Subject, Timestamp, Verdict, Violation,
};

use super::pattern::Pattern;
use super::{Invalid, Waiver, WaiverState, Waivers};
use crate::finding::ReportFinding;
use crate::{ReportRule, SubjectReport};

/// The name of the bundle that findings about waivers are shown under.
pub(crate) const BUNDLE: &str = "waivers";

impl Waivers {
    /// Marks the findings that waivers accept, and adds what is wrong with the
    /// waivers themselves. Where several fit, the first counts.
    ///
    /// Time: findings × waivers that name the rule. What was not judged stays as
    /// it is.
    pub fn apply(&self, report: &mut SubjectReport) {
        let (subject, at) = (report.snapshot.subject.clone(), report.reference_time);
        let meant = |w: &&Waiver| fits(&w.subjects, subject.as_str()) || w.subjects.is_empty();
        let mine: Vec<&Waiver> = self.entries.iter().filter(meant).collect();
        let mut used = BTreeSet::new();
        let mut lapsed = BTreeSet::new();
        for rule in &mut report.rules {
            let id = rule.meta.id.as_str();
            let mine: Vec<(&Waiver, WaiverState)> =
                mine.iter().filter(|w| fits(&w.rules, id)).map(|w| (*w, w.state(at))).collect();
            if mine.is_empty() {
                continue;
            }
            for found in rule.findings.iter_mut().filter(|f| f.finding.verdict == Verdict::Fail) {
                let key = found.finding.resource.as_ref().map_or("", |k| k.as_str());
                let fitting = || mine.iter().filter(|(w, _)| fits(&w.resources, key));
                lapsed.extend(
                    fitting()
                        .filter(|(_, s)| *s == WaiverState::Expired)
                        .map(|(w, _)| w.terms.id.as_str()),
                );
                let valid = fitting().find(|(_, state)| *state == WaiverState::Valid);
                if let Some((waiver, _)) = valid {
                    used.insert(waiver.terms.id.as_str());
                    found.waiver = Some(waiver.terms.clone());
                }
            }
        }
        let mut own = Vec::new();
        for kind in Fault::ALL {
            let wrong = |w: &&&Waiver| kind.is(w.state(at), &w.terms.id, &used, &lapsed);
            let all: Vec<&Waiver> = mine.iter().filter(wrong).copied().collect();
            if !all.is_empty() {
                own.extend(kind.rule(&subject, &all, at));
            }
        }
        own.extend(invalid_rule(&subject, &self.invalid));
        report.rules.extend(own);
        report.sort();
    }
}

/// The entries that are no waivers.
fn invalid_rule(subject: &Subject, invalid: &[Invalid]) -> Option<ReportRule> {
    let id = RuleId::new("waiver-invalid").ok()?;
    let file = invalid.first()?.file.clone();
    let finding = |i: &Invalid| Finding {
        resource: None,
        region: None,
        project: None,
        name: Some(i.id.clone()),
        verdict: Verdict::Fail,
        violations: [Violation {
            message: format!("{}: {}", i.file, i.problem),
            path: String::new(),
            found: Value::Null,
            wanted: Value::Null,
        }]
        .into(),
        cause: None,
    };
    let findings: Vec<ReportFinding> =
        invalid.iter().map(|i| ReportFinding::about(subject, &id, &i.id, finding(i))).collect();
    let counts = Counts { fail: findings.len() as u64, ..Counts::default() };
    let meta = RuleMeta {
        id,
        title: "Waivers are complete".to_owned(),
        description: String::new(),
        severity: Severity::Medium,
        kinds: Vec::new(),
        standard: None,
        remediation:
            "Correct the entry: tidegate waiver check FILE. Until then it accepts nothing."
                .to_owned(),
        bundle: BUNDLE.to_owned(),
        file,
    };
    Some(ReportRule { meta, verdict: Verdict::Fail, counts, findings })
}

fn fits(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|p| p.fits(text))
}

/// What can be wrong with a waiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Expired,
    TooLong,
    TooBroad,
    Unused,
}

impl Fault {
    const ALL: [Self; 4] = [Self::Expired, Self::TooLong, Self::TooBroad, Self::Unused];

    fn is(
        self,
        state: WaiverState,
        id: &str,
        used: &BTreeSet<&str>,
        lapsed: &BTreeSet<&str>,
    ) -> bool {
        match (self, state) {
            // One that covers nothing any more is only of no use.
            (Self::Expired, WaiverState::Expired) => lapsed.contains(id),
            (Self::TooLong, WaiverState::TooLong) | (Self::TooBroad, WaiverState::TooBroad) => true,
            (Self::Unused, WaiverState::Expired) => !lapsed.contains(id),
            (Self::Unused, WaiverState::Valid) => !used.contains(id),
            _ => false,
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::Expired => "waiver-expired",
            Self::TooLong => "waiver-too-long",
            Self::TooBroad => "waiver-too-broad",
            Self::Unused => "waiver-unused",
        }
    }

    fn text(self) -> (Severity, &'static str, &'static str) {
        match self {
            Self::Expired => (
                Severity::Medium,
                "Waivers are renewed or what they accept is mended",
                "Mend what the waiver covered, or renew it with a new date and reason.",
            ),
            Self::TooLong => (
                Severity::Medium,
                "Waivers are for a year at most",
                "Set `expires` to a day within a year. Until then the waiver does not count.",
            ),
            Self::TooBroad => (
                Severity::Medium,
                "Waivers name a rule or a resource",
                "Name single rules or single resources, without `*`. Until then the waiver does not count.",
            ),
            Self::Unused => (
                Severity::Info,
                "Waivers are of use",
                "Delete the waiver, or correct the rule or resource that it names.",
            ),
        }
    }

    fn rule(self, subject: &Subject, waivers: &[&Waiver], at: Timestamp) -> Option<ReportRule> {
        let id = RuleId::new(self.id()).ok()?;
        let (severity, title, remediation) = self.text();
        let findings: Vec<ReportFinding> = waivers
            .iter()
            .map(|w| ReportFinding::about(subject, &id, &w.terms.id, self.finding(w, at)))
            .collect();
        let counts = Counts { fail: findings.len() as u64, ..Counts::default() };
        let meta = RuleMeta {
            id,
            title: title.to_owned(),
            description: String::new(),
            severity,
            kinds: Vec::new(),
            standard: None,
            remediation: remediation.to_owned(),
            bundle: BUNDLE.to_owned(),
            file: waivers.first().map(|w| w.file.clone()).unwrap_or_default(),
        };
        Some(ReportRule { meta, verdict: Verdict::Fail, counts, findings })
    }

    fn finding(self, waiver: &Waiver, at: Timestamp) -> Finding {
        let terms = &waiver.terms;
        let today = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let (what, path, found, wanted) = match self {
            Self::Expired => (
                format!("expired on {}; it was: {}", terms.expires, terms.reason),
                "/expires",
                json!(terms.expires),
                json!(format!("not before {today}")),
            ),
            Self::TooLong => (
                format!("lasts until {}, more than a year", terms.expires),
                "/expires",
                json!(terms.expires),
                json!(format!("within a year of {today}")),
            ),
            Self::TooBroad => (
                "names neither a single rule nor a single resource".to_owned(),
                "/resources",
                json!(waiver.resources().collect::<Vec<_>>()),
                Value::Null,
            ),
            Self::Unused => (
                "accepts nothing that was found".to_owned(),
                "/rules",
                json!(waiver.rules().collect::<Vec<_>>()),
                Value::Null,
            ),
        };
        Finding {
            resource: None,
            region: None,
            project: None,
            name: Some(terms.id.clone()),
            verdict: Verdict::Fail,
            violations: [Violation {
                message: format!("waiver `{}` of {} {what}", terms.id, terms.owner),
                path: path.to_owned(),
                found,
                wanted,
            }]
            .into(),
            cause: None,
        }
    }
}
