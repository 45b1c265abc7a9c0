//! A run: the tool with its rules, how it went, and the results.

use std::io::{self, Write};

use serde::Serialize;
use tidegate_model::{Severity, Verdict};

use super::SarifOptions;
use super::group::{By, groups, has_baseline};
use super::result::{Of, Text, level};
use crate::text::{complete, link, printable, rule_path, silent};
use crate::{Report, ReportRule, SubjectReport};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    short_description: Text<'a>,
    full_description: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Help<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'a str>,
    default_configuration: Configuration,
    properties: RuleProperties<'a>,
}

#[derive(Serialize)]
struct Help<'a> {
    text: &'a str,
    markdown: &'a str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    tags: Vec<&'a str>,
    precision: &'static str,
    #[serde(rename = "problem.severity")]
    problem_severity: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    exit_code: u8,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    descriptor: Descriptor<'a>,
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
struct Descriptor<'a> {
    id: &'a str,
    index: usize,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

/// The kinds of notifications, as the driver declares them.
const NOTIFICATIONS: [(&str, &str); 2] = [
    ("coverage-gap", "A kind of resources could not be read as it should."),
    ("not-judged", "A rule, or a testcase of a scope, has no verdict."),
];

/// Writes the run of one cloud.
pub(super) fn write(
    report: &Report,
    subject: &SubjectReport,
    options: SarifOptions,
    out: &mut impl Write,
) -> io::Result<()> {
    let text = |out: &mut dyn Write, value: &str| -> io::Result<()> {
        Ok(serde_json::to_writer(out, value)?)
    };
    out.write_all(b"{\"tool\":{\"driver\":{\"name\":\"tidegate\",\"semanticVersion\":")?;
    text(out, &report.tool_version)?;
    out.write_all(b",\"notifications\":[")?;
    for (n, (id, about)) in NOTIFICATIONS.into_iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        write!(out, "{comma}{{\"id\":\"{id}\",\"shortDescription\":{{\"text\":\"{about}\"}}}}")?;
    }
    out.write_all(b"],\"rules\":[")?;
    for (n, rule) in subject.rules.iter().enumerate() {
        out.write_all(if n == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &describe(rule))?;
    }
    out.write_all(b"]}},\n\"automationDetails\":{\"id\":")?;
    text(out, &format!("tidegate/{}/", subject.snapshot.subject))?;
    out.write_all(b"},\n\"invocations\":[")?;
    serde_json::to_writer(&mut *out, &invocation(report, subject))?;
    out.write_all(b"],\n\"columnKind\":\"utf16CodeUnits\",\n\"properties\":")?;
    properties(report, subject, out)?;
    out.write_all(b",\n\"results\":[")?;
    results(subject, options, out)?;
    out.write_all(b"]}")
}

fn describe(rule: &ReportRule) -> Rule<'_> {
    let meta = &rule.meta;
    let fix = meta.remediation.trim();
    // GitHub shows ten tags of a rule; the schema has each once.
    let mut tags = vec!["security"];
    for tag in std::iter::once(meta.bundle.as_str()).chain(meta.kinds.iter().map(|k| k.as_str())) {
        if tags.len() < 10 && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let description = meta.description.trim();
    Rule {
        id: meta.id.as_str(),
        short_description: Text { text: &meta.title },
        full_description: Text {
            text: if description.is_empty() { &meta.title } else { description },
        },
        help: (!fix.is_empty()).then_some(Help { text: fix, markdown: fix }),
        help_uri: meta.standard.as_deref().and_then(link),
        default_configuration: Configuration { level: level(meta.severity) },
        properties: RuleProperties {
            tags,
            precision: "very-high",
            problem_severity: match meta.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low | Severity::Info => "recommendation",
            },
            // In GitHub's bands: over 9.0, 7.0 to 8.9, 4.0 to 6.9, 0.1 to 3.9.
            security_severity: match meta.severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "2.0",
                Severity::Info => "0.0",
            },
        },
    }
}

fn invocation<'a>(report: &Report, subject: &SubjectReport) -> Invocation<'a> {
    let notification = |index: usize, level, text: String| Notification {
        descriptor: Descriptor { id: NOTIFICATIONS.get(index).map_or("", |(id, _)| id), index },
        level,
        message: Message { text },
    };
    let mut notifications = Vec::new();
    for g in &subject.gaps {
        let region = g.region.as_ref().map_or_else(String::new, |r| format!(" in {r}"));
        let rules = match g.rules_affected {
            0 => "no rule needs it".to_owned(),
            1 => "1 rule could not be judged".to_owned(),
            n => format!("{n} rules could not be judged"),
        };
        let text = format!("{}{region}: {}; {rules}", g.kind, g.reason);
        let level = if g.rules_affected > 0 { "error" } else { "warning" };
        notifications.push(notification(0, level, printable(&text).into_owned()));
    }
    if silent(subject) {
        notifications.push(notification(1, "error", "no rule judged this cloud".to_owned()));
    }
    for rule in &subject.rules {
        let (id, counts) = (&rule.meta.id, rule.counts);
        if counts.abort > 0 {
            let text = format!("{id}: {} could not be judged", counts.abort);
            notifications.push(notification(1, "error", text));
        }
        if counts.missing > 0 {
            let text = format!("{id}: {} without evidence", counts.missing);
            notifications.push(notification(1, "error", text));
        }
    }
    for scope in &subject.scopes {
        let missing = |v: &&crate::TestcaseReport| v.verdict == Verdict::Missing;
        let missing = scope.testcases.iter().filter(missing).count();
        if missing > 0 {
            let text = format!("{}@{}: {missing} testcases missing", scope.scope, scope.version);
            notifications.push(notification(1, "error", printable(&text).into_owned()));
        }
    }
    Invocation {
        execution_successful: complete(subject),
        exit_code: report.summary.exit,
        tool_execution_notifications: notifications,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'a> {
    snapshot: String,
    taken_at: String,
    reference_time: String,
    rule_set: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'a str>,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Scope<'a>>,
}

#[derive(Serialize)]
struct Scope<'a> {
    scope: &'a str,
    version: &'a str,
    verdict: Verdict,
}

fn properties(report: &Report, subject: &SubjectReport, out: &mut impl Write) -> io::Result<()> {
    let properties = RunProperties {
        snapshot: subject.snapshot.to_string(),
        taken_at: subject.taken_at.to_string(),
        reference_time: subject.reference_time.to_string(),
        rule_set: subject.rule_set.to_string(),
        mode: report.mode.as_deref(),
        verdict: subject.verdict,
        scopes: subject
            .scopes
            .iter()
            .map(|s| Scope { scope: &s.scope, version: &s.version, verdict: s.verdict })
            .collect(),
    };
    Ok(serde_json::to_writer(out, &properties)?)
}

fn results(subject: &SubjectReport, options: SarifOptions, out: &mut impl Write) -> io::Result<()> {
    let (by, baseline) = (By::for_subject(subject, options), has_baseline(subject));
    let mut separator = "\n";
    for (index, rule) in subject.rules.iter().enumerate() {
        let path = rule_path(&rule.meta);
        let of = Of { subject, rule, index, path: &path, by, baseline };
        for group in groups(subject, rule, by, options) {
            out.write_all(separator.as_bytes())?;
            separator = ",\n";
            of.write(&group, out)?;
        }
    }
    Ok(())
}
