//! Rules with their findings, folded: what to know about the rule, then a table.

use std::io::{self, Write};

use super::escape::{Lines, Prose, Text, evidence};
use crate::tally::count;
use crate::text::{State, link};
use crate::{Change, ReportFinding, ReportRule, Waived};

/// Rows of a table before the rest is folded once more. Browsers lay out some
/// hundreds of rows at once, not ten thousands.
const ROWS: usize = 100;
/// Rows of each further fold.
const MORE: usize = 500;

/// A heap of findings of one rule that stand in the same section.
pub(super) struct Group<'a> {
    /// Distinguishes the snapshots of a page in addresses.
    pub(super) subject: usize,
    pub(super) rule: &'a ReportRule,
    pub(super) findings: Vec<&'a ReportFinding>,
    /// The state for the filter: `open`, `unknown` or `waived`.
    pub(super) state: &'static str,
}

/// The findings of a rule that are in one of `states`; `None` without any.
pub(super) fn group<'a>(
    subject: usize,
    rule: &'a ReportRule,
    state: &'static str,
    states: &[State],
) -> Option<Group<'a>> {
    let findings: Vec<_> =
        rule.findings.iter().filter(|f| states.contains(&State::of(f))).collect();
    (!findings.is_empty()).then_some(Group { subject, rule, findings, state })
}

impl Group<'_> {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { subject: _, rule, findings, state } = self;
        let severity = rule.meta.severity;
        // Under a waiver's heading, a rule is one level down.
        let h = if *state == "waived" { "h5" } else { "h4" };
        let new = findings.iter().filter(|f| f.change.is_some_and(Change::is_new)).count();
        write!(
            out,
            "<details class=\"rule\" data-s=\"{severity}\" data-k=\"{state}\"><summary>\
             <span class=\"chip {severity}\">{severity}</span> <{h}>{}</{h}> \
             <span class=\"count\">{}</span>",
            Prose(&rule.meta.title),
            count(findings.len(), "finding"),
        )?;
        if new > 0 && *state != "waived" {
            write!(out, " <span class=\"chip change\">{new} new</span>")?;
        }
        write!(out, "</summary>\n<div class=\"body\">\n")?;
        self.about(out)?;
        let (first, rest) = findings.split_at(findings.len().min(ROWS));
        self.table(out, first)?;
        let mut from = first.len() + 1;
        for chunk in rest.chunks(MORE) {
            let to = from + chunk.len() - 1;
            writeln!(out, "<details class=\"more\"><summary>Findings {from} to {to}</summary>")?;
            self.table(out, chunk)?;
            out.write_all(b"</details>\n")?;
            from = to + 1;
        }
        out.write_all(b"</div></details>\n")
    }

    fn about(&self, out: &mut impl Write) -> io::Result<()> {
        let meta = &self.rule.meta;
        if !meta.description.trim().is_empty() {
            writeln!(out, "<p>{}</p>", Lines(&meta.description))?;
        }
        if self.state != "unknown" && !meta.remediation.trim().is_empty() {
            writeln!(
                out,
                "<p class=\"fix\"><strong>What mends it:</strong> {}</p>",
                Lines(&meta.remediation)
            )?;
        }
        let counts = self.rule.counts;
        let waived = match self.rule.waived() {
            0 => String::new(),
            n => format!(" ({n} waived)"),
        };
        let broken = format!("{} broken{waived}", counts.fail);
        let mut seen = vec![format!("{} hold", counts.pass), broken];
        if counts.abort > 0 {
            seen.push(format!("{} not judged", counts.abort));
        }
        if counts.missing > 0 {
            seen.push(format!("{} without evidence", counts.missing));
        }
        write!(
            out,
            "<p class=\"soft\">Rule <code>{}</code> of bundle <code>{}</code>: {}.",
            Text(meta.id.as_str()),
            Text(&meta.bundle),
            seen.join(", ")
        )?;
        if let Some(standard) = &meta.standard {
            out.write_all(b" Clause: ")?;
            match link(standard) {
                Some(url) => {
                    write!(out, "<a href=\"{0}\" rel=\"noreferrer noopener\">{0}</a>", Text(url))?
                }
                None => write!(out, "{}", Text(standard))?,
            }
        }
        out.write_all(b"</p>\n")
    }

    fn table(&self, out: &mut impl Write, findings: &[&ReportFinding]) -> io::Result<()> {
        let what = if self.state == "unknown" { "Why it was not judged" } else { "What is wrong" };
        writeln!(
            out,
            "<table class=\"cells\"><caption class=\"sr\">Findings of {}</caption><thead><tr>\
             <th scope=\"col\">Resource</th><th scope=\"col\">{what}</th></tr></thead><tbody>",
            Text(self.rule.meta.id.as_str()),
        )?;
        for finding in findings {
            self.row(out, finding)?;
        }
        out.write_all(b"</tbody></table>\n")
    }

    /// A row. End tags that HTML lets one leave out are left out: there are
    /// tens of thousands of rows.
    fn row(&self, out: &mut impl Write, finding: &ReportFinding) -> io::Result<()> {
        let new = finding.change.is_some_and(Change::is_new);
        let class = if new { " class=n" } else { "" };
        write!(out, "<tr id=\"{}\"{class}><td class=where>", address(self.subject, finding))?;
        place(out, finding)?;
        out.write_all(b"<td>")?;
        if let Some(change) = finding.change.filter(|c| c.is_new()) {
            write!(out, "<span class=\"chip change\">{}</span> ", since(change))?;
        }
        let f = &finding.finding;
        if let Some(cause) = &f.cause {
            write!(out, "{}", Prose(&cause.message))?;
        }
        let several = f.violations.len() > 1;
        for violation in f.violations.iter() {
            if several {
                out.write_all(b"<p>")?;
            }
            write!(out, "{}", Prose(&violation.message))?;
            if let Some(evidence) = evidence(violation) {
                write!(out, "<small><code>{}</code></small>", Text(evidence))?;
            }
        }
        out.write_all(b"\n")
    }
}

/// The address of a finding inside the page.
pub(super) fn address(subject: usize, finding: &ReportFinding) -> String {
    format!("s{subject}-{}", Text(&finding.id))
}

/// What a finding is about: name, key, project.
pub(super) fn place(out: &mut impl Write, finding: &ReportFinding) -> io::Result<()> {
    let f = &finding.finding;
    if let Some(name) = f.name.as_deref().filter(|n| !n.trim().is_empty()) {
        write!(out, "{}<br>", Text(name))?;
    }
    match (&f.resource, &f.region) {
        (Some(key), _) => write!(out, "<code>{}</code>", Text(key.as_str()))?,
        (None, Some(region)) => write!(out, "Region <code>{}</code>", Text(region))?,
        (None, None) => out.write_all(b"The cloud as a whole")?,
    }
    if let Some(project) = &f.project {
        write!(out, "<small>project <code>{}</code></small>", Text(project))?;
    }
    Ok(())
}

/// Why the baseline does not have it.
pub(super) fn since(change: Change) -> &'static str {
    match change {
        Change::Unchanged => "known",
        Change::New => "new",
        Change::Policy => "new: the rule changed",
        Change::Coverage => "new: visibility changed",
    }
}

/// What a waiver says, above its findings.
pub(super) fn waiver(out: &mut impl Write, waived: &Waived, left: Option<i32>) -> io::Result<()> {
    let Waived { id, reason, owner, ticket, expires } = waived;
    write!(
        out,
        "<h4>{} <span class=\"chip waived\">until {expires}</span></h4>\n<p>{}</p>\n\
         <p class=\"soft\">Owner: {}",
        Text(id),
        Prose(reason),
        Text(owner)
    )?;
    if let Some(ticket) = ticket {
        match link(ticket) {
            Some(url) => write!(
                out,
                " · Ticket: <a href=\"{0}\" rel=\"noreferrer noopener\">{0}</a>",
                Text(url)
            )?,
            None => write!(out, " · Ticket: {}", Text(ticket))?,
        }
    }
    if let Some(days) = left {
        write!(out, " · {} left when judged", count(usize::try_from(days).unwrap_or(0), "day"))?;
    }
    out.write_all(b"</p>\n")
}
