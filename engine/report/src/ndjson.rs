//! Newline-delimited JSON for pipelines; `schemas/finding.schema.json` is the
//! schema of a line.
//!
//! Each line stands alone: it has the schema's version, its type and the
//! snapshot it is about. A rule comes before its findings; the summary is the
//! last line, so a stream without one is cut short.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tidegate_model::{Counts, Digest, RuleId, RuleMeta, Severity, SnapshotId, Timestamp, Verdict};

use crate::{Gap, Report, ReportFinding, Resolved, ScopeReport, Summary};

/// The name and version of the shape of a line.
const SCHEMA: &str = "tidegate.finding/v1";

#[derive(Serialize)]
struct Line<'a> {
    schema_version: &'static str,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum What<'a> {
    Subject {
        snapshot: &'a SnapshotId,
        taken_at: Timestamp,
        reference_time: Timestamp,
        rule_set: &'a Digest,
        verdict: Verdict,
        gaps: &'a [Gap],
        #[serde(skip_serializing_if = "<[Resolved]>::is_empty")]
        resolved: &'a [Resolved],
    },
    Scope {
        snapshot: &'a SnapshotId,
        #[serde(flatten)]
        scope: &'a ScopeReport,
    },
    Rule {
        snapshot: &'a SnapshotId,
        #[serde(flatten)]
        meta: &'a RuleMeta,
        verdict: Verdict,
        counts: Counts,
    },
    Finding {
        snapshot: &'a SnapshotId,
        taken_at: Timestamp,
        rule: &'a RuleId,
        severity: Severity,
        #[serde(flatten)]
        finding: &'a ReportFinding,
    },
    Summary {
        tool_version: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<&'a str>,
        summary: &'a Summary,
    },
}

/// Writes one JSON object a line: for each cloud a `subject`, its `scope`s, and
/// each `rule` followed by its `finding`s; then the `summary`.
///
/// # Errors
/// Those of `out`.
pub fn ndjson(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut line = |what: What<'_>| -> io::Result<()> {
        serde_json::to_writer(&mut out, &Line { schema_version: SCHEMA, what })?;
        out.write_all(b"\n")
    };
    for subject in &report.subjects {
        let (snapshot, taken_at) = (&subject.snapshot, subject.taken_at);
        line(What::Subject {
            snapshot,
            taken_at,
            reference_time: subject.reference_time,
            rule_set: &subject.rule_set,
            verdict: subject.verdict,
            gaps: &subject.gaps,
            resolved: &subject.resolved,
        })?;
        for scope in &subject.scopes {
            line(What::Scope { snapshot, scope })?;
        }
        for rule in &subject.rules {
            let (meta, verdict, counts) = (&rule.meta, rule.verdict, rule.counts);
            line(What::Rule { snapshot, meta, verdict, counts })?;
            for finding in &rule.findings {
                let (rule, severity) = (&meta.id, meta.severity);
                line(What::Finding { snapshot, taken_at, rule, severity, finding })?;
            }
        }
    }
    line(What::Summary {
        tool_version: &report.tool_version,
        mode: report.mode.as_deref(),
        summary: &report.summary,
    })?;
    out.flush()
}
