//! CSV for spreadsheets: a header and one row for each finding.
//!
//! Names and messages come from clouds, so a cell that a spreadsheet would run
//! as a formula is led by an apostrophe.
//!
//! Source: RFC 4180; OWASP, CSV Injection.

use std::io::{self, BufWriter, Write};

use crate::text::{State, message, printable};
use crate::{Change, Report};

const COLUMNS: [&str; 22] = [
    "id",
    "snapshot",
    "taken_at",
    "rule",
    "title",
    "severity",
    "verdict",
    "state",
    "change",
    "kind",
    "resource",
    "region",
    "project",
    "name",
    "message",
    "remediation",
    "standard",
    "waiver",
    "waiver_owner",
    "waiver_reason",
    "waiver_ticket",
    "waiver_expires",
];

/// Writes the findings as UTF-8 without a byte order mark, lines ended by
/// CRLF; no cell has a line break in it. `state` is `fail`, `waived`,
/// `not_judged` or `missing`, `verdict` what the rule said whether waived or
/// not. Empty cells are what is not known or does not apply.
///
/// # Errors
/// Those of `out`.
pub fn csv(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    csv_row(&mut out, &COLUMNS)?;
    for subject in &report.subjects {
        let (snapshot, taken_at) =
            (subject.snapshot.to_string(), format!("{:.0}", subject.taken_at));
        for rule in &subject.rules {
            let severity = rule.meta.severity.to_string();
            for found in &rule.findings {
                let finding = &found.finding;
                let waiver = found.waiver.as_ref();
                let expires = waiver.map(|w| w.expires.to_string());
                csv_row(
                    &mut out,
                    &[
                        &found.id,
                        &snapshot,
                        &taken_at,
                        rule.meta.id.as_str(),
                        &rule.meta.title,
                        &severity,
                        &finding.verdict.to_string(),
                        State::of(found).name(),
                        found.change.map_or("", Change::name),
                        finding.resource.as_ref().map_or("", |k| k.kind()),
                        finding.resource.as_ref().map_or("", |k| k.as_str()),
                        finding.region.as_deref().unwrap_or(""),
                        finding.project.as_deref().unwrap_or(""),
                        finding.name.as_deref().unwrap_or(""),
                        &message(found),
                        rule.meta.remediation.trim(),
                        rule.meta.standard.as_deref().unwrap_or(""),
                        waiver.map_or("", |w| &w.id),
                        waiver.map_or("", |w| &w.owner),
                        waiver.map_or("", |w| &w.reason),
                        waiver.and_then(|w| w.ticket.as_deref()).unwrap_or(""),
                        expires.as_deref().unwrap_or(""),
                    ],
                )?;
            }
        }
    }
    out.flush()
}

/// Writes one row of CSV as [`csv`] does: cells in quotes where they must be,
/// formulas of spreadsheets defused, numbers as they are.
///
/// # Errors
/// Those of `out`.
pub fn csv_row(out: &mut impl Write, cells: &[&str]) -> io::Result<()> {
    for (n, text) in cells.iter().enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        cell(out, text)?;
    }
    out.write_all(b"\r\n")
}

/// A cell, quoted where it must be. A semicolon is quoted too: it separates
/// cells for a spreadsheet of a locale with decimal commas.
fn cell(out: &mut impl Write, text: &str) -> io::Result<()> {
    let clean = printable(text);
    // Blanks before the sign are what is left of a tab or a carriage return.
    let number = clean.parse::<f64>().is_ok();
    let formula =
        !number && clean.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let lead = if formula { "'" } else { "" };
    if !clean.contains(['"', ',', ';', '\'']) {
        return write!(out, "{lead}{clean}");
    }
    write!(out, "\"{lead}{}\"", clean.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn celled(text: &str) -> String {
        let mut out = Vec::new();
        cell(&mut out, text).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn formulas_are_defused_and_separators_quoted() {
        assert_eq!(celled("plain"), "plain");
        assert_eq!(celled("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(celled("=1+1"), "'=1+1");
        assert_eq!(celled("\t@SUM(A1)"), "' @SUM(A1)");
        assert_eq!(celled("\r\n-2;x"), "\"'  -2;x\"");
        assert_eq!(celled("＝1"), "'＝1");
        assert_eq!(celled("a=b"), "a=b");
    }
}
