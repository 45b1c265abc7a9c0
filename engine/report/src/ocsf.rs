//! OCSF Compliance Findings (class 2003) for SIEMs and data lakes.
//!
//! Source: schema.ocsf.io 1.5.0, Compliance Finding, with the profiles `cloud`
//! and `datetime`. Its compliance status 2 is "no result due to missing
//! information", which is what an Abort and a Missing are.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tidegate_model::{Digest, Severity, SnapshotId, Verdict};

use crate::text::{State, link, message, printable, waiver};
use crate::{Change, Report, ReportFinding, ReportRule, SubjectReport, Waived};

const VERSION: &str = "1.5.0";

#[derive(Serialize)]
struct Event<'a> {
    activity_id: u8,
    activity_name: &'static str,
    category_uid: u8,
    category_name: &'static str,
    class_uid: u16,
    class_name: &'static str,
    type_uid: u32,
    type_name: &'static str,
    time: i64,
    time_dt: &'a str,
    severity_id: u8,
    severity: &'static str,
    status_id: u8,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    message: &'a str,
    metadata: Metadata<'a>,
    finding_info: Info<'a>,
    compliance: Compliance<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<Remediation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<[Resource<'a>; 1]>,
    cloud: Cloud<'a>,
    unmapped: Unmapped<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    version: &'static str,
    product: Product<'a>,
    profiles: [&'static str; 2],
    uid: &'a str,
}

#[derive(Serialize)]
struct Product<'a> {
    name: &'static str,
    vendor_name: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
struct Info<'a> {
    uid: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    desc: &'a str,
    last_seen_time: i64,
    last_seen_time_dt: &'a str,
    types: [&'a str; 1],
}

#[derive(Serialize)]
struct Compliance<'a> {
    standards: [&'a str; 1],
    control: &'a str,
    status: &'static str,
    status_id: u8,
    status_code: &'static str,
    checks: [Check<'a>; 1],
}

#[derive(Serialize)]
struct Check<'a> {
    uid: &'a str,
    name: &'a str,
    status: &'static str,
    status_id: u8,
    severity_id: u8,
    standards: [&'a str; 1],
}

#[derive(Serialize)]
struct Remediation<'a> {
    desc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    references: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
struct Resource<'a> {
    uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

#[derive(Serialize)]
struct Cloud<'a> {
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account<'a>>,
}

#[derive(Serialize)]
struct Account<'a> {
    uid: &'a str,
    name: &'a str,
    r#type: &'static str,
    type_id: u8,
}

#[derive(Serialize)]
struct Unmapped<'a> {
    subject: &'a str,
    snapshot: &'a SnapshotId,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<&'a Waived>,
}

/// Writes a JSON array with an event on each line: one for each finding, and
/// one Pass for each rule that holds, without a resource.
///
/// - `finding_info.uid` is the finding's id, the same from run to run;
///   `metadata.uid` differs between snapshots.
/// - What the baseline has unchanged is an Update, everything else a Create.
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
        if subject.rules.is_empty() {
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
        let update = change == Some(Change::Unchanged);
        let (status_id, status) = match (about.outcome.id, waived) {
            (_, Some(_)) => (3, "Suppressed"),
            (1, None) => (4, "Resolved"),
            (_, None) => (1, "New"),
        };
        let region = finding.and_then(|f| f.region.as_deref());
        let project = finding.and_then(|f| f.project.as_deref());
        let key = finding.and_then(|f| f.resource.as_ref());
        let uid = format!("{}/{}", subject.snapshot, about.uid);
        let Outcome { id, status: compliance, code } = about.outcome;
        put(&Event {
            activity_id: if update { 2 } else { 1 },
            activity_name: if update { "Update" } else { "Create" },
            category_uid: 2,
            category_name: "Findings",
            class_uid: 2003,
            class_name: "Compliance Finding",
            type_uid: if update { 200_302 } else { 200_301 },
            type_name: if update {
                "Compliance Finding: Update"
            } else {
                "Compliance Finding: Create"
            },
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
                verdict: finding
                    .map_or(if id == PASS.id { Verdict::Pass } else { Verdict::Abort }, |f| {
                        f.verdict
                    }),
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
