//! Markdown for step summaries and for comments on merge requests.
//!
//! Both have a size limit, and the service drops what goes beyond it, so a
//! budget is kept: numbers first, then each cloud with an equal share, in it
//! what is broken before the rest, and a last line that says how much is left
//! out. Nothing that a cloud names becomes a link, a mention or markup.
//!
//! Source: docs.github.com, workflow commands (1 MiB for a step's summary);
//! GitHub refuses a comment of more than 65,536 characters.

mod budget;
pub(crate) mod escape;

use std::cmp::Reverse;
use std::io::{self, BufWriter, Write};

use tidegate_model::{Severity, Verdict};

use crate::html::evidence;
use crate::tally::{Tally, are, count, left_out, without_rules};
use crate::text::{State, message, place};
use crate::{Change, Report, ReportFinding, ReportRule, Resolved, SubjectReport};
use budget::Budget;
use escape::{code, cut, html_prose, linked, prose};

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkdownOptions {
    /// The most bytes; at least 2,048 are taken. Characters are never more
    /// than bytes, so it bounds them as well.
    pub budget: usize,
    /// The most findings listed of a rule, at least 1.
    pub findings_per_rule: usize,
}

impl MarkdownOptions {
    /// What fits the summary of a step on GitHub.
    pub const STEP_SUMMARY: Self = Self { budget: 1 << 20, findings_per_rule: 100 };
    /// What fits a comment on GitHub, and with it on GitLab.
    pub const COMMENT: Self = Self { budget: 65_536, findings_per_rule: 10 };
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        Self::STEP_SUMMARY
    }
}

/// Writes the summary. Its first line, `<!-- tidegate -->`, lets a job find its
/// own comment again.
///
/// # Errors
/// Those of `out`.
pub fn markdown(report: &Report, options: &MarkdownOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut md = Budget::new(&mut out, options.budget.max(2_048));
    let tallies: Vec<Tally> = report.subjects.iter().map(Tally::of).collect();
    head(&mut md, report, &tallies)?;
    let clouds = report.subjects.len();
    for (n, (subject, tally)) in report.subjects.iter().zip(&tallies).enumerate() {
        let parts = clouds - n;
        let most = options.findings_per_rule.max(1);
        Cloud { md: &mut md, subject, tally, most, parts }.write(report.mode.as_deref())?;
    }
    md.finish()
}

/// A verdict as people read it.
fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Abort => "not judged",
        Verdict::Missing => "missing",
        Verdict::Fail => "**fail**",
    }
}

/// The numbers over all clouds, and a row for each.
fn head(md: &mut Budget<'_>, report: &Report, tallies: &[Tally]) -> io::Result<()> {
    let mut all = Tally::default();
    tallies.iter().for_each(|t| all.add(t));
    all.compared |= report.summary.baseline.is_some();
    let worst = Verdict::of_set(report.subjects.iter().map(|s| s.verdict));
    let mut text =
        format!("<!-- tidegate -->\n## Compliance: {}\n\n", verdict(worst).trim_matches('*'));
    text.push_str(&count(all.fails(), "open finding"));
    let severities: Vec<String> =
        Severity::ALL.iter().filter_map(|s| all.open.get(s).map(|n| format!("{n} {s}"))).collect();
    if !severities.is_empty() {
        text.push_str(&format!(" ({})", severities.join(", ")));
    }
    text.push_str(&format!(
        ", {} not judged, {} without evidence, {} waived",
        all.not_judged, all.missing, all.waived
    ));
    if all.compared {
        let name = report.summary.baseline.as_ref().map(|b| code(&cut(&b.name, 200)));
        let name = name.as_deref().unwrap_or("the baseline");
        text.push_str(&format!(", **{} new since {name}**", all.new));
    }
    let s = &report.summary;
    text.push_str(&format!(
        ". Rules: {} broken, {} not judged, {} missing, {} hold.\n\n",
        s.failed, s.not_judged, s.missing, s.passed
    ));
    let known = left_out(report);
    if known > 0 {
        text.push_str(&format!(
            "**Not the whole state:** {} left out as known to the baseline.\n\n",
            are(known)
        ));
    }
    md.put(&text)?;
    let rows = report.subjects.iter().zip(tallies).map(|(subject, tally)| {
        let mut row = format!(
            "| {} | {} | {} |",
            code(&subject.snapshot.to_string()),
            verdict(subject.verdict),
            tally.fails()
        );
        if all.compared {
            row.push_str(&format!(" {} |", tally.new));
        }
        row.push_str(&format!(
            " {} | {} | {} |\n",
            tally.not_judged + tally.missing,
            tally.waived,
            subject.gaps.len()
        ));
        row
    });
    let (new, rule) = if all.compared { (" New |", "--:|") } else { ("", "") };
    let head = format!(
        "| Cloud | Verdict | Open |{new} Not judged | Waived | Gaps |\n|:--|:--|--:|{rule}--:|--:|--:|\n"
    );
    // Where there are very many clouds, there must be room for some of them.
    md.part(50, 1);
    let total = report.subjects.len();
    // Each cloud that has no row is told of by the line beneath them.
    md.block(&head, rows, total, usize::MAX, "\n")?;
    Ok(())
}

struct Cloud<'a, 'b> {
    md: &'a mut Budget<'b>,
    subject: &'a SubjectReport,
    tally: &'a Tally,
    most: usize,
    /// How many clouds have to share what is left, this one included.
    parts: usize,
}

/// The head of a section, a block of it, and how many findings stand in it.
struct Section {
    title: String,
    begun: bool,
}

impl Section {
    fn new(title: String) -> Self {
        Self { title: format!("#### {title}\n\n"), begun: false }
    }

    /// The title before its first block, nothing before others.
    fn before(&self) -> &str {
        if self.begun { "" } else { &self.title }
    }
}

impl Cloud<'_, '_> {
    fn write(mut self, mode: Option<&str>) -> io::Result<()> {
        self.md.part(100, self.parts);
        let subject = self.subject;
        let mut text = format!(
            "### {} · {}\n\nTaken {:.0}",
            code(&subject.snapshot.to_string()),
            verdict(subject.verdict),
            subject.taken_at
        );
        if subject.reference_time != subject.taken_at {
            text.push_str(&format!(", judged as of {:.0}", subject.reference_time));
        }
        if let Some(mode) = mode {
            text.push_str(&format!(", mode {}", prose(mode)));
        }
        text.push_str(".\n\n");
        if let Some(why) = without_rules(subject) {
            text.push_str(&format!("{why}\n\n"));
        }
        if !self.md.put(&text)? {
            self.md.left.clouds += 1;
        }
        self.scopes()?;
        // What could not be judged must not be crowded out by what is broken.
        self.md.part(75, self.parts);
        self.rules("Broken", &[State::Fail], self.tally.fails())?;
        self.md.part(100, self.parts);
        let unknown = self.tally.not_judged + self.tally.missing;
        self.rules("Could not be judged", &[State::NotJudged, State::Missing], unknown)?;
        self.waived()?;
        self.resolved()?;
        self.gaps()
    }

    fn scopes(&mut self) -> io::Result<()> {
        let rows = self.subject.scopes.iter().map(|s| {
            let of = |v| s.testcases.iter().filter(|t| t.verdict == v).count();
            format!(
                "| {} {} ({}) | {} | {} of {} | {} | {} | {} |\n",
                prose(&s.title),
                prose(&s.version),
                prose(&s.state),
                verdict(s.verdict),
                of(Verdict::Pass),
                s.testcases.len(),
                of(Verdict::Fail),
                of(Verdict::Abort),
                of(Verdict::Missing)
            )
        });
        let head =
            "| Scope | Verdict | Pass | Fail | Not judged | Missing |\n|:--|:--|--:|--:|--:|--:|\n";
        let total = self.subject.scopes.len();
        let written = self.md.block(head, rows, total, usize::MAX, "\n")?;
        self.md.left.scopes += total - written.unwrap_or(0);
        Ok(())
    }

    /// The findings in some states, folded by rule, worst severity first.
    fn rules(&mut self, title: &str, states: &[State], total: usize) -> io::Result<()> {
        let mut groups: Vec<(&ReportRule, Vec<&ReportFinding>)> = self
            .subject
            .rules
            .iter()
            .map(|r| (r, r.findings.iter().filter(|f| states.contains(&State::of(f))).collect()))
            .filter(|(_, findings): &(_, Vec<_>)| !findings.is_empty())
            .collect();
        groups.sort_by_key(|(rule, _)| Reverse(rule.meta.severity));
        let numbers = format!("{}, {}", count(groups.len(), "rule"), count(total, "finding"));
        let mut section = Section::new(format!("{title}: {numbers}"));
        for (rule, findings) in groups {
            let head = format!("{}{}", section.before(), self.about(rule, &findings, states));
            let rows = findings.iter().map(|f| row(f));
            let tail = "\n</details>\n\n";
            let written = self.md.block(&head, rows, findings.len(), self.most, tail)?;
            section.begun |= written.is_some();
            self.md.left.rules += usize::from(written.is_none());
            self.md.left.findings += findings.len() - written.unwrap_or(0);
        }
        Ok(())
    }

    /// The head of a rule: what to know of it, and that of its table.
    fn about(&self, rule: &ReportRule, findings: &[&ReportFinding], states: &[State]) -> String {
        let meta = &rule.meta;
        let new = findings.iter().filter(|f| f.change.is_some_and(Change::is_new)).count();
        let new = if new > 0 { format!(", {new} new") } else { String::new() };
        let mut text = format!(
            "<details><summary><b>{}</b> · {} · {}{new}</summary>\n\n",
            meta.severity,
            html_prose(&cut(&meta.title, 200)),
            count(findings.len(), "finding"),
        );
        text.push_str(&format!("Rule {}", code(meta.id.as_str())));
        if let Some(standard) = &meta.standard {
            text.push_str(&format!(" · {}", linked("clause", &cut(standard, 500))));
        }
        text.push_str("\n\n");
        let fix = meta.remediation.trim();
        if states.contains(&State::Fail) && !fix.is_empty() {
            text.push_str(&format!("**What mends it:** {}\n\n", prose(&cut(fix, 800))));
        }
        text.push_str("| Resource | What |\n|:--|:--|\n");
        text
    }

    fn waived(&mut self) -> io::Result<()> {
        let all = self.subject.rules.iter().flat_map(|r| r.findings.iter().map(move |f| (r, f)));
        let rows = all.filter(|(_, f)| State::of(f) == State::Waived).filter_map(|(r, f)| {
            let waived = f.waiver.as_ref()?;
            let ticket = waived.ticket.as_ref().map_or_else(String::new, |ticket| {
                format!(" ({})", linked("ticket", &cut(ticket, 300)))
            });
            Some(format!(
                "| {} | {} | {}{ticket} | {} | {} |\n",
                resource(f),
                code(r.meta.id.as_str()),
                prose(&cut(&waived.reason, 300)),
                prose(&cut(&waived.owner, 100)),
                waived.expires
            ))
        });
        let total = self.tally.waived;
        let head = format!(
            "<details><summary><b>Waived</b> · {}</summary>\n\n\
             | Resource | Rule | Why | Owner | Until |\n|:--|:--|:--|:--|:--|\n",
            count(total, "finding")
        );
        let written = self.md.block(&head, rows, total, 10 * self.most, "\n</details>\n\n")?;
        self.md.left.findings += total - written.unwrap_or(0);
        Ok(())
    }

    fn resolved(&mut self) -> io::Result<()> {
        let resolved = &self.subject.resolved;
        let rows = resolved.iter().map(|Resolved { id: _, rule, resource, change }| {
            let why = match change {
                Change::New | Change::Unchanged => "",
                Change::Policy => " (the rule changed)",
                Change::Coverage => " (it can no longer be judged)",
            };
            let resource = code(resource.as_deref().unwrap_or("cloud"));
            format!("| {resource} | {}{why} |\n", code(rule))
        });
        let total = resolved.len();
        let head = format!(
            "<details><summary><b>No longer found</b> · {}</summary>\n\n\
             | Resource | Rule |\n|:--|:--|\n",
            count(total, "finding")
        );
        let written = self.md.block(&head, rows, total, 10 * self.most, "\n</details>\n\n")?;
        self.md.left.resolved += total - written.unwrap_or(0);
        Ok(())
    }

    fn gaps(&mut self) -> io::Result<()> {
        let gaps = &self.subject.gaps;
        let rows = gaps.iter().map(|g| {
            format!(
                "| {} | {} | {} | {} |\n",
                code(&g.kind),
                g.region.as_deref().map_or_else(String::new, code),
                prose(&cut(&g.reason, 300)),
                g.rules_affected
            )
        });
        let head = format!(
            "<details><summary><b>Not seen, or not completely</b> · {}</summary>\n\n\
             | Kind | Region | Why | Rules that need it |\n|:--|:--|:--|--:|\n",
            count(gaps.len(), "listing")
        );
        let written = self.md.block(&head, rows, gaps.len(), usize::MAX, "\n</details>\n\n")?;
        self.md.left.gaps += gaps.len() - written.unwrap_or(0);
        Ok(())
    }
}

fn row(finding: &ReportFinding) -> String {
    let new = match finding.change {
        None | Some(Change::Unchanged) => "",
        Some(Change::New) => "**new** ",
        Some(Change::Policy) => "**new, the rule changed** ",
        Some(Change::Coverage) => "**new, visibility changed** ",
    };
    let mut text =
        format!("| {} | {new}{}", resource(finding), prose(&cut(&message(finding), 400)));
    if let [violation] = finding.finding.violations.as_ref()
        && let Some(evidence) = evidence(violation)
    {
        text.push_str(&format!("<br>{}", code(&evidence)));
    }
    text.push_str(" |\n");
    text
}

fn resource(finding: &ReportFinding) -> String {
    let place = code(&place(finding));
    match finding.finding.name.as_deref().filter(|n| !n.trim().is_empty()) {
        Some(name) => format!("{}<br>{place}", code(&cut(name, 120))),
        None => place,
    }
}

#[cfg(test)]
mod tests;
