//! OCSF Compliance Findings (class 2003) for SIEMs and data lakes.
//!
//! Source: schema.ocsf.io 1.5.0, Compliance Finding, with the profiles `cloud`
//! and `datetime`. Its compliance status 2 is "no result due to missing
//! information", which is what an Abort and a Missing are.

mod event;

use std::io::{self, BufWriter, Write};

use tidegate_model::{Digest, Severity, Verdict};

use crate::text::{State, link, message, printable, silent, waiver};
use crate::{Change, Report, ReportFinding, ReportRule, Resolved, SubjectReport};
use event::{
    Account, Check, Cloud, Compliance, Event, Info, Metadata, Product, Remediation, Resource,
    Unmapped, VERSION,
};

/// Writes a JSON array with an event on each line: one for each finding, and
/// one Pass for each rule that holds, without a resource.
///
/// - `finding_info.uid` is the finding's id, the same from run to run;
///   `metadata.uid` differs between snapshots.
/// - What the baseline has unchanged is an Update, what it has and the snapshot
///   has not a Close, everything else a Create. A Fail that can no longer be
///   judged is not closed.
/// - A waived Fail is Suppressed, and its compliance status stays Fail.
/// - A cloud about which no rule said anything is one event of status Warning.
///
/// # Errors
/// Those of `out`.
pub fn ocsf(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    out.write_all(b"[")?;
    let mut separator = "\n";
    let mut put = |event: &Event<'_>| -> io::Result<()> {
        out.write_all(separator.as_bytes())?;
        separator = ",\n";
        Ok(serde_json::to_writer(&mut out, event)?)
    };
    for subject in &report.subjects {
        let time_dt = format!("{:.3}", subject.taken_at);
        let of = Of { report, subject, time_dt: &time_dt, provider: provider(subject) };
        if silent(subject) {
            of.silent(&mut put)?;
        }
        for rule in &subject.rules {
            if rule.verdict == Verdict::Pass {
                of.pass(rule, &mut put)?;
            }
            for finding in &rule.findings {
                of.finding(rule, finding, &mut put)?;
            }
        }
        for resolved in subject.resolved.iter().filter(|r| r.change != Change::Coverage) {
            of.resolved(resolved, &mut put)?;
        }
    }
    out.write_all(b"\n]\n")?;
    out.flush()
}

/// The system that most of a cloud was read from, such as `openstack`.
fn provider(subject: &SubjectReport) -> &str {
    let systems = || subject.coverage.iter().map(|c| c.source.split('/').next().unwrap_or(""));
    let count = |system: &str| systems().filter(|s| *s == system).count();
    let most = systems().max_by(|a, b| count(a).cmp(&count(b)).then_with(|| b.cmp(a)));
    most.filter(|s| !s.is_empty()).unwrap_or("unknown")
}

/// What an event says of a verdict.
#[derive(Clone, Copy)]
struct Outcome {
    id: u8,
    status: &'static str,
    code: &'static str,
}

const PASS: Outcome = Outcome { id: 1, status: "Pass", code: "PASS" };
const ABORT: Outcome = Outcome { id: 2, status: "Warning", code: "ABORT" };
const MISSING: Outcome = Outcome { id: 2, status: "Warning", code: "MISSING" };
const FAIL: Outcome = Outcome { id: 3, status: "Fail", code: "FAIL" };
/// The Fail is no more; whether the resource passes or is gone, nobody has said.
const RESOLVED: Outcome = Outcome { id: 99, status: "Resolved", code: "RESOLVED" };

/// What an event is about.
struct About<'a> {
    uid: &'a str,
    rule: &'a str,
    bundle: &'a str,
    title: &'a str,
    desc: &'a str,
    message: &'a str,
    severity: Severity,
    outcome: Outcome,
    remediation: Option<Remediation<'a>>,
    found: Option<&'a ReportFinding>,
}

/// What all events of a cloud share.
struct Of<'a> {
    report: &'a Report,
    subject: &'a SubjectReport,
    time_dt: &'a str,
    provider: &'a str,
}

impl Of<'_> {
    fn uid(&self, rule: &str) -> String {
        let parts = [self.subject.snapshot.subject.as_str(), rule];
        let mut uid = Digest::of(parts.join("\0").as_bytes()).to_string();
        uid.truncate(32);
        uid
    }

    fn silent(&self, put: &mut impl FnMut(&Event<'_>) -> io::Result<()>) -> io::Result<()> {
        self.event(
            About {
                uid: &self.uid(""),
                rule: "tidegate",
                bundle: "tidegate",
                title: "no rule judged this cloud",
                desc: "",
                message: "not judged: no rule judged this cloud",
                severity: Severity::Info,
                outcome: ABORT,
                remediation: None,
                found: None,
            },
            put,
        )
    }

    fn pass(
        &self,
        rule: &ReportRule,
        put: &mut impl FnMut(&Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let message = format!("{} passed", rule.counts.pass);
        self.event(
            About {
                uid: &self.uid(rule.meta.id.as_str()),
                rule: rule.meta.id.as_str(),
                bundle: &rule.meta.bundle,
                title: &rule.meta.title,
                desc: rule.meta.description.trim(),
                message: &message,
                severity: rule.meta.severity,
                outcome: PASS,
                remediation: None,
                found: None,
            },
            put,
        )
    }

    fn finding(
        &self,
        rule: &ReportRule,
        found: &ReportFinding,
        put: &mut impl FnMut(&Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let (desc, reference) =
            (rule.meta.remediation.trim(), rule.meta.standard.as_deref().and_then(link));
        // A remediation must have words; without any the link has to do.
        let remediation = match (desc, reference) {
            ("", None) => None,
            ("", Some(url)) => Some(Remediation { desc: url, references: Some([url]) }),
            (desc, url) => Some(Remediation { desc, references: url.map(|u| [u]) }),
        };
        self.event(
            About {
                uid: &found.id,
                rule: rule.meta.id.as_str(),
                bundle: &rule.meta.bundle,
                title: &rule.meta.title,
                desc: rule.meta.description.trim(),
                message: &message(found),
                severity: rule.meta.severity,
                outcome: match State::of(found) {
                    State::Fail | State::Waived => FAIL,
                    State::NotJudged => ABORT,
                    State::Missing => MISSING,
                },
                remediation,
                found: Some(found),
            },
            put,
        )
    }

    fn resolved(
        &self,
        resolved: &Resolved,
        put: &mut impl FnMut(&Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let rule = self.subject.rules.iter().find(|r| r.meta.id.as_str() == resolved.rule);
        let what = resolved.resource.as_deref().unwrap_or("cloud");
        self.event(
            About {
                uid: &resolved.id,
                rule: &resolved.rule,
                bundle: rule.map_or("tidegate", |r| &r.meta.bundle),
                title: rule.map_or(&resolved.rule, |r| &r.meta.title),
                desc: rule.map_or("", |r| r.meta.description.trim()),
                message: &format!("no longer fails: {}", printable(what)),
                severity: rule.map_or(Severity::Info, |r| r.meta.severity),
                outcome: RESOLVED,
                remediation: None,
                found: None,
            },
            put,
        )
    }

    fn event(
        &self,
        about: About<'_>,
        put: &mut impl FnMut(&Event<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let subject = self.subject;
        let time = subject.taken_at.as_millisecond();
        let (severity_id, severity) = severity(about.severity);
        let finding = about.found.map(|f| &f.finding);
        let waived = about.found.and_then(|f| f.waiver.as_ref());
        let change = about.found.and_then(|f| f.change);
        let closed = about.outcome.id == RESOLVED.id;
        let (activity_id, activity_name, type_name) = match change {
            _ if closed => (3, "Close", "Compliance Finding: Close"),
            Some(Change::Unchanged) => (2, "Update", "Compliance Finding: Update"),
            _ => (1, "Create", "Compliance Finding: Create"),
        };
        let (status_id, status) = match waived {
            Some(_) => (3, "Suppressed"),
            None if closed || about.outcome.id == PASS.id => (4, "Resolved"),
            None => (1, "New"),
        };
        let region = finding.and_then(|f| f.region.as_deref());
        let project = finding.and_then(|f| f.project.as_deref());
        let key = finding.and_then(|f| f.resource.as_ref());
        let uid = format!("{}/{}", subject.snapshot, about.uid);
        let Outcome { id, status: compliance, code } = about.outcome;
        put(&Event {
            activity_id,
            activity_name,
            category_uid: 2,
            category_name: "Findings",
            class_uid: 2003,
            class_name: "Compliance Finding",
            type_uid: 200_300 + u32::from(activity_id),
            type_name,
            time,
            time_dt: self.time_dt,
            severity_id,
            severity,
            status_id,
            status,
            comment: waived.map(waiver),
            message: about.message,
            metadata: Metadata {
                version: VERSION,
                product: Product {
                    name: "tidegate",
                    vendor_name: "tidegate",
                    version: &self.report.tool_version,
                },
                profiles: ["cloud", "datetime"],
                uid: &uid,
            },
            finding_info: Info {
                uid: about.uid,
                title: about.title,
                desc: about.desc,
                last_seen_time: time,
                last_seen_time_dt: self.time_dt,
                types: [about.bundle],
            },
            compliance: Compliance {
                standards: [about.bundle],
                control: about.rule,
                status: compliance,
                status_id: id,
                status_code: code,
                checks: [Check {
                    uid: about.rule,
                    name: about.title,
                    status: compliance,
                    status_id: id,
                    severity_id,
                    standards: [about.bundle],
                }],
            },
            remediation: about.remediation,
            resources: key.map(|key| {
                let name = finding.and_then(|f| f.name.as_deref()).map(printable);
                let (uid, r#type) = (key.as_str(), key.kind());
                [Resource { uid, name, r#type, region, namespace: project }]
            }),
            cloud: Cloud {
                provider: key.map_or(self.provider, |k| k.system()),
                region,
                account: project.map(|uid| Account {
                    uid,
                    name: uid,
                    r#type: "project",
                    type_id: 99,
                }),
            },
            unmapped: Unmapped {
                subject: subject.snapshot.subject.as_str(),
                snapshot: &subject.snapshot,
                verdict: match (finding, id) {
                    (Some(finding), _) => Some(finding.verdict),
                    (None, 1) => Some(Verdict::Pass),
                    (None, 2) => Some(Verdict::Abort),
                    (None, _) => None,
                },
                change,
                waiver: waived,
            },
        })
    }
}

fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}
