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
pub(crate) mod tests {
    use jiff::civil::{Date, date};
    use serde_json::json;
    use tidegate_model::{
        AbortCode, Cause, Counts, Digest, Evaluation, Kind, KindCoverage, ResourceKey, RuleId,
        RuleMeta, RuleOutcome, SnapshotMeta, Status, Timestamp, Violation, Visibility,
    };

    use super::*;
    use crate::TestcaseReport;

    fn meta(id: &str, severity: Severity, kind: &str) -> RuleMeta {
        RuleMeta {
            id: RuleId::new(id).unwrap(),
            title: format!("title of {id}"),
            description: String::new(),
            severity,
            kinds: vec![Kind::new(kind).unwrap()],
            standard: Some("https://example.org/clause".into()),
            remediation: "set it right".into(),
            bundle: "b".into(),
            file: format!("{id}/rule.rego"),
        }
    }

    fn finding(verdict: Verdict) -> Finding {
        Finding {
            verdict,
            resource: None,
            region: None,
            project: None,
            name: None,
            violations: [].into(),
            cause: None,
        }
    }

    fn testcase(id: &str, verdict: Verdict, expires: Option<Date>) -> TestcaseReport {
        let (id, target) = (id.to_owned(), "main".to_owned());
        TestcaseReport { id, target, verdict, expires, older: false, expired: false }
    }

    /// A report with a fail, a rule that could not be judged, a pass, a gap and
    /// a scope with a missing testcase.
    pub(crate) fn sample() -> Report {
        let t: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
        let fail = Finding {
            resource: Some(ResourceKey::new("openstack/compute.flavor/R/1").unwrap()),
            name: Some("SCS-1V-4\u{1b}[31m".into()),
            violations: [Violation {
                message: "flavor `SCS-1V-4` has too little memory".into(),
                path: "/ram".into(),
                found: json!(2048),
                wanted: json!(4096),
            }]
            .into(),
            ..finding(Verdict::Fail)
        };
        let abort = Finding {
            region: Some("R".into()),
            cause: Some(Cause {
                code: AbortCode::Coverage,
                message: "image.image: forbidden".into(),
            }),
            ..finding(Verdict::Abort)
        };
        let outcome = |verdict, counts, findings| RuleOutcome {
            verdict,
            counts,
            valid_until: None,
            findings,
        };
        let rules = BTreeMap::from([
            (
                RuleId::new("a-pass").unwrap(),
                outcome(Verdict::Pass, Counts { pass: 1, ..Counts::default() }, vec![]),
            ),
            (
                RuleId::new("b-abort").unwrap(),
                outcome(Verdict::Abort, Counts { abort: 1, ..Counts::default() }, vec![abort]),
            ),
            (
                RuleId::new("c-fail").unwrap(),
                outcome(
                    Verdict::Fail,
                    Counts { fail: 1, pass: 3, ..Counts::default() },
                    vec![fail],
                ),
            ),
        ]);
        let metas = [
            meta("a-pass", Severity::Low, "compute.flavor"),
            meta("b-abort", Severity::High, "image.image"),
            meta("c-fail", Severity::Medium, "compute.flavor"),
        ];
        let metas = metas.into_iter().map(|m| (m.id.clone(), m)).collect();
        let coverage = |kind: &str, status| KindCoverage {
            source: "openstack/x".into(),
            region: Some("R".into()),
            kind: Kind::new(kind).unwrap(),
            status,
            visibility: Visibility::All,
            read_from: t,
            read_until: t,
        };
        let snapshot = SnapshotMeta {
            id: "prod1@3".parse().unwrap(),
            taken_at: t,
            coverage: vec![
                coverage("compute.flavor", Status::Complete { count: 4 }),
                coverage("image.image", Status::Forbidden),
                coverage("dns.zone", Status::Absent),
            ],
        };
        let evaluation = Evaluation {
            snapshot: snapshot.id.clone(),
            taken_at: t,
            reference_time: t,
            rule_set: Digest::of(b""),
            rules,
        };
        let scope = ScopeReport {
            scope: "scs".into(),
            title: "SCS".into(),
            uuid: "50393e6f-2ae1-4c5c-a62c-3b75f2abef3f".into(),
            url: None,
            version: "v1".into(),
            state: "effective".into(),
            verdict: Verdict::Fail,
            testcases: vec![
                testcase("c-fail", Verdict::Fail, Some(date(2026, 11, 30))),
                testcase("d", Verdict::Missing, None),
                TestcaseReport {
                    expired: true,
                    ..testcase("e", Verdict::Missing, Some(date(2026, 11, 21)))
                },
            ],
        };
        Report::new("0.1.0", vec![SubjectReport::new(evaluation, &metas, &snapshot, vec![scope])])
    }

    #[test]
    fn groups_by_rule_worst_first_and_says_what_was_not_seen() {
        let text = table(&sample(), &TableOptions::default());
        assert_eq!(
            text,
            "\
prod1@3  taken 2026-11-22T01:00:00Z

FAIL  scs@v1 (effective): 0 of 3 testcases pass, 1 fail, 0 not judged, 2 missing
      expired on 2026-11-21: e
      no rule judges d

FAIL  medium   c-fail  title of c-fail
      openstack/compute.flavor/R/1  SCS-1V-4 [31m
        flavor `SCS-1V-4` has too little memory
      fix: set it right
      see: https://example.org/clause

ABORT high     b-abort  title of b-abort
      region R
        not judged: image.image: forbidden
      see: https://example.org/clause

PASS  1 rule holds (-v lists them)

Not seen, or not completely
  image.image  R  forbidden  (1 rule needs it)

1 failed (1 medium), 1 not judged, 1 passed, 2 missing · 3 kinds, 1 with gaps
"
        );
    }

    #[test]
    fn quiet_shows_only_fails_and_verbose_names_passes() {
        let quiet = table(&sample(), &TableOptions { quiet: true, ..TableOptions::default() });
        assert!(quiet.contains("c-fail") && !quiet.contains("b-abort"), "{quiet}");
        let verbose = table(&sample(), &TableOptions { verbose: true, ..TableOptions::default() });
        assert!(verbose.contains("PASS  low      a-pass"), "{verbose}");
        assert!(verbose.contains("[/ram is 2048, want 4096]"), "{verbose}");
    }

    #[test]
    fn what_counts_for_the_exit_code() {
        let report = sample();
        assert!(report.incomplete());
        assert!(report.fails_at(Severity::Critical), "a failed scope counts at any threshold");
        let mut without_scope = report;
        without_scope.subjects[0].scopes.clear();
        let mut silent = Report::new("0.1.0", without_scope.subjects.clone());
        silent.subjects[0].rules.clear();
        silent.subjects[0].verdict = Verdict::Missing;
        assert!(silent.incomplete(), "no rule is no pass");
        assert!(!without_scope.fails_at(Severity::High));
        assert!(without_scope.fails_at(Severity::Medium));
    }
}
