//! The risks of a rule: one for what is open, one for each waiver.

use std::collections::BTreeMap;
use std::io;

use uuid::Uuid;

use super::item::{
    Characterization, Facet, LogEntry, NS, ObservationRef, Origin, Props, Risk, RiskLog, id,
    markup, time,
};
use super::result::{found, tool};
use crate::tally::count;
use crate::text::{State, waiver};
use crate::{ReportFinding, ReportRule, SubjectReport, Waived};

/// What a rule's fails are grouped to.
#[derive(Default)]
pub(super) struct Risks<'a> {
    pub(super) open: Option<(Uuid, Vec<&'a ReportFinding>)>,
    /// By the waiver's id.
    pub(super) waived: BTreeMap<&'a str, (Uuid, &'a Waived, Vec<&'a ReportFinding>)>,
}

pub(super) fn of<'a>(base: &str, rule: &'a ReportRule) -> Risks<'a> {
    let mut risks = Risks::default();
    let rule_id = rule.meta.id.as_str();
    for finding in &rule.findings {
        match (State::of(finding), &finding.waiver) {
            (State::Fail, _) => {
                let new = || (id(&["risk", base, rule_id]), Vec::new());
                risks.open.get_or_insert_with(new).1.push(finding);
            }
            (State::Waived, Some(waived)) => {
                let new = || (id(&["waived", base, rule_id, &waived.id]), waived, Vec::new());
                risks.waived.entry(&waived.id).or_insert_with(new).2.push(finding);
            }
            (State::Waived | State::NotJudged | State::Missing, _) => {}
        }
    }
    risks
}

impl Risks<'_> {
    /// Hands each risk to `push`, the open one first.
    pub(super) fn each(
        self,
        base: &str,
        subject: &SubjectReport,
        rule: &ReportRule,
        mut push: impl FnMut(Risk) -> io::Result<()>,
    ) -> io::Result<()> {
        let Self { open, waived } = self;
        if let Some((uuid, findings)) = open {
            push(risk(base, rule, uuid, &findings))?;
        }
        for (uuid, waived, findings) in waived.into_values() {
            push(accepted(risk(base, rule, uuid, &findings), subject, waived))?;
        }
        Ok(())
    }
}

fn risk(base: &str, rule: &ReportRule, uuid: Uuid, findings: &[&ReportFinding]) -> Risk {
    let meta = &rule.meta;
    let about = if meta.description.trim().is_empty() { &meta.title } else { &meta.description };
    let severity = meta.severity.to_string();
    Risk {
        uuid,
        title: markup(&meta.title),
        description: markup(about),
        statement: format!("Severity {severity}; {}.", count(findings.len(), "finding")),
        props: Props::default()
            .with("rule", meta.id.as_str())
            .with("remediation", &meta.remediation),
        status: "open",
        characterizations: [Characterization {
            origin: Origin::tool(tool()),
            facets: [Facet { name: "severity", system: NS, value: severity }],
        }],
        deadline: None,
        risk_log: None,
        related_observations: findings
            .iter()
            .map(|f| ObservationRef::new(found(base, f)))
            .collect(),
    }
}

/// A risk that somebody has accepted. Its deadline is the end of the waiver's
/// last day.
fn accepted(risk: Risk, subject: &SubjectReport, waived: &Waived) -> Risk {
    let Waived { id: name, reason, owner, ticket, expires } = waived;
    let entry = LogEntry {
        uuid: id(&["log", &risk.uuid.to_string()]),
        title: "Waived",
        description: markup(&waiver(waived)),
        // When it was decided is not part of a waiver; that it was in force
        // when the snapshot was judged is known.
        start: time(subject.reference_time),
        status_change: "deviation-approved",
    };
    Risk {
        status: "deviation-approved",
        deadline: Some(format!("{expires}T23:59:59Z")),
        risk_log: Some(RiskLog { entries: [entry] }),
        props: risk
            .props
            .with("waiver", name)
            .with("waiver-owner", owner)
            .with("waiver-reason", reason)
            .with("waiver-ticket", ticket.as_deref().unwrap_or_default()),
        ..risk
    }
}
