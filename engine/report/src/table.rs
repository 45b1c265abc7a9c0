//! The table for people: by rule, worst first, then what could not be seen,
//! then one line that sums up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use tidegate_model::{Finding, Severity, Verdict};

use crate::text::printable;
use crate::{
    Change, Report, ReportFinding, ReportRule, Resolved, ScopeReport, SubjectReport, Waived,
};

/// How the table is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableOptions {
    /// With ANSI colours.
    pub color: bool,
    /// Shows passes by name and every finding of a rule instead of the first
    /// ten.
    pub verbose: bool,
    /// Shows only what failed.
    pub quiet: bool,
    /// How long the run took; shown in the last line where given.
    pub duration: Option<Duration>,
}

/// More findings of one rule than fit a screen help nobody at a terminal; the
/// JSON has all of them.
const FINDINGS_SHOWN: usize = 10;

/// Draws the report. The text ends in a newline.
#[must_use]
pub fn table(report: &Report, options: &TableOptions) -> String {
    let mut out = Table { text: String::new(), options };
    for subject in &report.subjects {
        out.subject(subject, report);
    }
    out.last_line(report);
    out.text
}

struct Table<'a> {
    text: String,
    options: &'a TableOptions,
}

fn style(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Abort | Verdict::Missing => AnsiColor::Yellow,
    };
    color.on_default().bold()
}

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

impl Table<'_> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn subject(&mut self, subject: &SubjectReport, report: &Report) {
        let title = self.paint(BOLD, &subject.snapshot.to_string());
        let mut head = format!("{title}  taken {:.0}", subject.taken_at);
        if subject.reference_time != subject.taken_at {
            let _ = write!(head, "  judged as of {:.0}", subject.reference_time);
        }
        if let Some(mode) = &report.mode {
            let _ = write!(head, "  mode {mode}");
        }
        if !report.parameters.is_empty() {
            let _ = write!(head, "  with {}", printable(&report.parameters.join(", ")));
        }
        self.line(&head);
        self.line("");
        for scope in &subject.scopes {
            self.scope(scope);
        }
        let (passed, shown): (Vec<_>, Vec<_>) =
            subject.rules.iter().partition(|r| r.verdict == Verdict::Pass);
        for rule in shown {
            if !self.options.quiet || rule.verdict == Verdict::Fail {
                self.rule(rule);
            }
        }
        if self.options.verbose {
            for rule in &passed {
                self.rule(rule);
            }
        } else if !passed.is_empty() && !self.options.quiet {
            let label = self.paint(style(Verdict::Pass), "PASS ");
            let plural = if passed.len() == 1 { "rule holds" } else { "rules hold" };
            self.line(&format!("{label} {} {plural} (-v lists them)", passed.len()));
            self.line("");
        }
        if !subject.resolved.is_empty() && !self.options.quiet {
            self.resolved(subject);
        }
        if !subject.gaps.is_empty() && !self.options.quiet {
            self.gaps(subject);
        }
    }

    fn scope(&mut self, scope: &ScopeReport) {
        let count = |v| scope.testcases.iter().filter(|t| t.verdict == v).count();
        let label = self.paint(style(scope.verdict), &label(scope.verdict));
        self.line(&format!(
            "{label} {}@{} ({}): {} of {} testcases pass, {} fail, {} not judged, {} missing",
            scope.scope,
            scope.version,
            scope.state,
            count(Verdict::Pass),
            scope.testcases.len(),
            count(Verdict::Fail),
            count(Verdict::Abort),
            count(Verdict::Missing),
        ));
        if !self.options.quiet {
            self.missing(scope);
        }
        self.line("");
    }

    /// The testcases that are missing without a rule that says why.
    fn missing(&mut self, scope: &ScopeReport) {
        let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for testcase in &scope.testcases {
            let reason = match (testcase.expires, testcase.expired) {
                (None, _) => "no rule judges".to_owned(),
                (Some(day), true) => format!("expired on {day}:"),
                (Some(_), false) => continue,
            };
            by_reason.entry(reason).or_default().push(&testcase.id);
        }
        for (reason, ids) in by_reason {
            let shown = if self.options.verbose { ids.len() } else { 4 };
            let mut names = ids.iter().take(shown).copied().collect::<Vec<_>>().join(", ");
            if ids.len() > shown {
                let _ = write!(names, " and {} more (-v lists them)", ids.len() - shown);
            }
            let text = self.paint(DIM, &format!("{reason} {names}"));
            self.line(&format!("      {text}"));
        }
    }

    fn rule(&mut self, rule: &ReportRule) {
        let waived = rule.verdict == Verdict::Fail && rule.open() == 0;
        let verdict = match waived {
            true => self.paint(DIM, &format!("{:<5}", "WAIV")),
            false => self.paint(style(rule.verdict), &label(rule.verdict)),
        };
        let id = self.paint(BOLD, rule.meta.id.as_str());
        self.line(&format!("{verdict} {:<8} {id}  {}", rule.meta.severity, rule.meta.title));
        if rule.verdict == Verdict::Pass {
            return;
        }
        let limit = if self.options.verbose { usize::MAX } else { FINDINGS_SHOWN };
        for finding in rule.findings.iter().take(limit) {
            self.finding(&finding.finding);
            self.standing(finding);
        }
        if let Some(more) = rule.findings.len().checked_sub(limit).filter(|&n| n > 0) {
            let text = self.paint(DIM, &format!("… and {more} more (-v shows all)"));
            self.line(&format!("      {text}"));
        }
        if rule.counts.fail > 0 && !rule.meta.remediation.is_empty() {
            let fix = rule.meta.remediation.trim().replace('\n', "\n           ");
            self.line(&format!("      fix: {fix}"));
        }
        if let Some(standard) = &rule.meta.standard {
            let text = self.paint(DIM, &format!("see: {standard}"));
            self.line(&format!("      {text}"));
        }
        self.line("");
    }

    fn finding(&mut self, finding: &Finding) {
        let mut place = match &finding.resource {
            Some(key) => key.to_string(),
            None => finding.region.as_ref().map_or_else(String::new, |r| format!("region {r}")),
        };
        if let Some(name) = &finding.name {
            let _ = write!(place, "  {}", printable(name));
        }
        if !place.is_empty() {
            self.line(&format!("      {}", place.trim_start()));
        }
        if let Some(cause) = &finding.cause {
            let what = if finding.verdict == Verdict::Missing { "missing" } else { "not judged" };
            self.line(&format!("        {what}: {}", printable(&cause.message)));
        }
        for v in finding.violations.iter() {
            let mut text = format!("        {}", printable(&v.message));
            let evidence = match (v.path.as_str(), &v.found, &v.wanted) {
                ("", Value::Null, Value::Null) => String::new(),
                (path, found, Value::Null) => format!("{path} is {}", short(found)),
                (path, found, wanted) => {
                    format!("{path} is {}, want {}", short(found), short(wanted))
                }
            };
            // The message says it in words; machines read the JSON.
            if self.options.verbose && !evidence.is_empty() {
                let evidence = self.paint(DIM, &format!("[{}]", evidence.trim_start()));
                let _ = write!(text, "  {evidence}");
            }
            self.line(&text);
        }
    }

    /// Whether a finding is waived, and how it stands to the baseline.
    fn standing(&mut self, finding: &ReportFinding) {
        if let Some(Waived { id, reason, owner, ticket, expires }) = &finding.waiver {
            let ticket = ticket.as_ref().map_or_else(String::new, |t| format!(", {t}"));
            let text = format!("waived until {expires} by {owner} ({id}{ticket}): {reason}");
            self.line(&format!("        {}", self.paint(DIM, &printable(&text))));
        }
        let text = match finding.change {
            None | Some(Change::Unchanged) => return,
            Some(Change::New) => "new since the baseline",
            Some(Change::Policy) => "new since the baseline, because the rule changed",
            Some(Change::Coverage) => "new since the baseline, because more or less can be seen",
        };
        self.line(&format!("        {}", self.paint(DIM, text)));
    }

    fn resolved(&mut self, subject: &SubjectReport) {
        let title = self.paint(BOLD, "Resolved since the baseline");
        self.line(&title);
        for Resolved { id: _, rule, resource, change } in &subject.resolved {
            let why = match change {
                Change::New | Change::Unchanged => "",
                Change::Policy => "  (the rule changed)",
                Change::Coverage => "  (it can no longer be judged)",
            };
            let resource = resource.as_deref().unwrap_or("-");
            self.line(&format!("  {rule}  {}{why}", printable(resource)));
        }
        self.line("");
    }

    fn gaps(&mut self, subject: &SubjectReport) {
        let title = self.paint(BOLD, "Not seen, or not completely");
        self.line(&title);
        let width = subject.gaps.iter().map(|g| g.kind.len()).max().unwrap_or(0);
        for gap in &subject.gaps {
            let region = gap.region.as_deref().unwrap_or("-");
            let mut text = format!("  {:<width$}  {region}  {}", gap.kind, printable(&gap.reason));
            if gap.rules_affected > 0 {
                let plural = if gap.rules_affected == 1 { "rule needs" } else { "rules need" };
                let _ = write!(text, "  ({} {plural} it)", gap.rules_affected);
            }
            self.line(&text);
        }
        self.line("");
    }

    fn last_line(&mut self, report: &Report) {
        let s = &report.summary;
        let worst = Verdict::of_set(report.subjects.iter().map(|s| s.verdict));
        let mut text = format!("{} failed", s.failed);
        let by_severity: Vec<String> = Severity::ALL
            .iter()
            .filter_map(|v| s.findings.get(v).map(|n| format!("{n} {v}")))
            .collect();
        if !by_severity.is_empty() {
            let _ = write!(text, " ({})", by_severity.join(", "));
        }
        let _ = write!(text, ", {} not judged, {} passed", s.not_judged, s.passed);
        if s.missing > 0 {
            let _ = write!(text, ", {} missing", s.missing);
        }
        if s.waived > 0 {
            let _ = write!(text, ", {} waived", s.waived);
        }
        if let Some(baseline) = &s.baseline {
            let new: usize =
                baseline.changes.iter().filter(|(c, _)| c.is_new()).map(|(_, n)| n).sum();
            let _ = write!(text, ", {new} new since {}", printable(&baseline.name));
            if baseline.resolved > 0 {
                let _ = write!(text, ", {} resolved", baseline.resolved);
            }
        }
        let text = self.paint(style(worst), &text);
        let mut line = format!("{text} · {} kinds, {} with gaps", s.kinds, s.kinds_with_gaps);
        if let Some(duration) = self.options.duration {
            let _ = write!(line, " · {:.1} s", duration.as_secs_f64());
        }
        self.line(&line);
    }
}

fn label(verdict: Verdict) -> String {
    let short = match verdict {
        Verdict::Pass => "PASS",
        Verdict::Abort => "ABORT",
        Verdict::Missing => "MISS",
        Verdict::Fail => "FAIL",
    };
    format!("{short:<5}")
}

/// A value on one line, cut where it would fill a screen.
fn short(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = match value {
        Value::Null => "absent".to_owned(),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            format!("one of {}", items.join(", "))
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => value.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return printable(&text).into_owned();
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{}…", printable(&cut))
}

#[cfg(test)]
pub(crate) mod tests;
