//! GitLab Code Quality: a JSON array that merge requests show as a widget.
//!
//! Source: docs.gitlab.com, Code Quality report format.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tidegate_model::Severity;

use crate::text::{State, message, place, rule_path};
use crate::{Report, ReportFinding};

#[derive(Serialize)]
struct Entry<'a> {
    description: &'a str,
    check_name: &'a str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Writes every finding that no waiver accepts, located in the file of its
/// rule. One that could not be judged keeps the fingerprint that it has as a
/// Fail: leaving it out would show the Fail as resolved.
///
/// # Errors
/// Those of `out`.
pub fn code_quality(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    out.write_all(b"[")?;
    let mut separator = "\n";
    for subject in &report.subjects {
        for rule in &subject.rules {
            let path = rule_path(&rule.meta);
            let shown = |f: &&ReportFinding| State::of(f) != State::Waived;
            for finding in rule.findings.iter().filter(shown) {
                let (text, place) = (message(finding), place(finding));
                out.write_all(separator.as_bytes())?;
                separator = ",\n";
                let entry = Entry {
                    description: &format!("{text} ({}: {place})", subject.snapshot.subject),
                    check_name: rule.meta.id.as_str(),
                    fingerprint: &finding.id,
                    severity: severity(rule.meta.severity),
                    location: Location { path: &path, lines: Lines { begin: 1 } },
                };
                serde_json::to_writer(&mut out, &entry)?;
            }
        }
    }
    out.write_all(b"\n]\n")?;
    out.flush()
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
