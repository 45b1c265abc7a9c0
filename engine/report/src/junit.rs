//! JUnit XML for GitLab, Jenkins and whatever else shows test results.
//!
//! A suite is a rule, or a version of a scope; a testcase is a resource, or a
//! testcase of the scope. Readers know a testcase by `classname` and `name`,
//! so neither holds a display name, a number or a time.
//!
//! Source: testmoapp/junitxml for the common dialect; docs.gitlab.com, Unit
//! test reports (element texts are shown, the second testcase of one name is
//! dropped); Jenkins takes what precedes the last dot of a class name for its
//! package.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use tidegate_model::{RuleMeta, Verdict};

use crate::text::{State, code, message, printable, rule_path, silent, unique_place, waiver};
use crate::{
    Change, Report, ReportFinding, ReportRule, ScopeReport, SubjectReport, TestcaseReport,
};

/// Writes `failure` for a Fail, `skipped` for a waived one, `error` for what
/// could not be judged or has no evidence. A testcase of a scope that fails by
/// nothing but what is waived or left out is skipped too. What passed has no names in the
/// model: it is one testcase `passes` for each rule that passed anything. A
/// cloud about which no rule said anything is an error. Times are 0: rules are
/// not timed one by one.
///
/// # Errors
/// Those of `out`.
pub fn junit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut all = Totals::default();
    for subject in &report.subjects {
        subject.rules.iter().for_each(|r| all.add(&Totals::of_rule(r)));
        subject.scopes.iter().for_each(|s| all.add(&Totals::of_scope(s)));
        if silent(subject) {
            all.add(&Totals { tests: 1, errors: 1, ..Totals::default() });
        }
    }
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"tidegate\"{} time=\"0\">", all.attributes())?;
    for subject in &report.subjects {
        Suites { out: &mut out, subject }.write()?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

#[derive(Default)]
struct Totals {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Totals {
    fn add(&mut self, more: &Self) {
        let Self { tests, failures, errors, skipped } = more;
        self.tests += tests;
        self.failures += failures;
        self.errors += errors;
        self.skipped += skipped;
    }

    fn of_rule(rule: &ReportRule) -> Self {
        let count = |state| rule.findings.iter().filter(|f| State::of(f) == state).count();
        Self {
            tests: rule.findings.len() + usize::from(passes(rule)),
            failures: count(State::Fail),
            errors: count(State::NotJudged) + count(State::Missing),
            skipped: count(State::Waived),
        }
    }

    /// What is wrong is counted once, in the suite of the rule; a testcase of a
    /// scope points there. Only what no rule says is its own.
    fn of_scope(scope: &ScopeReport) -> Self {
        let count =
            |of: &dyn Fn(&TestcaseReport) -> bool| scope.testcases.iter().filter(|t| of(t)).count();
        let errors = count(&untold);
        let skipped = count(&|t| t.verdict != Verdict::Pass) - errors;
        Self { tests: scope.testcases.len(), failures: 0, errors, skipped }
    }

    fn attributes(&self) -> String {
        let Self { tests, failures, errors, skipped } = self;
        format!(
            " tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\""
        )
    }
}

/// Whether a testcase is missing and no rule says so.
fn untold(testcase: &TestcaseReport) -> bool {
    testcase.verdict == Verdict::Missing && (testcase.expires.is_none() || testcase.expired)
}

/// Whether a rule has a testcase for what passed.
fn passes(rule: &ReportRule) -> bool {
    rule.counts.pass > 0 || rule.verdict == Verdict::Pass
}

/// Whether a testcase of a scope fails by nothing that counts: what its rule
/// found is waived, or was left out as known from the baseline.
fn accepted(subject: &SubjectReport, testcase: &TestcaseReport) -> bool {
    let rule = subject.rules.iter().find(|r| r.meta.id.as_str() == testcase.id);
    testcase.verdict == Verdict::Fail && rule.is_none_or(|r| r.open() == 0)
}

/// One line for between tags or quotes.
fn xml(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    if !text.contains(['&', '<', '>', '"']) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

struct Suites<'a, W> {
    out: &'a mut W,
    subject: &'a SubjectReport,
}

impl<W: Write> Suites<'_, W> {
    fn write(&mut self) -> io::Result<()> {
        let cloud = self.subject.snapshot.subject.as_str();
        if silent(self.subject) {
            let totals = Totals { tests: 1, errors: 1, ..Totals::default() };
            self.open(cloud, &totals, &[])?;
            self.case(cloud, "rules", None)?;
            self.body("error", "no rule judged this cloud", "coverage", &[])?;
            self.close()?;
        }
        for rule in &self.subject.rules {
            self.rule(&format!("{cloud}.{}", rule.meta.id), rule)?;
        }
        for scope in &self.subject.scopes {
            self.scope(&format!("{cloud}.{}", scope.scope), scope)?;
        }
        Ok(())
    }

    fn open(&mut self, name: &str, totals: &Totals, properties: &[(&str, &str)]) -> io::Result<()> {
        // The format has local times without a zone; ours are UTC.
        let taken_at = format!("{:.0}", self.subject.taken_at);
        writeln!(
            self.out,
            " <testsuite name=\"{}\"{} time=\"0\" timestamp=\"{}\" hostname=\"{}\">",
            xml(name),
            totals.attributes(),
            taken_at.trim_end_matches('Z'),
            xml(self.subject.snapshot.subject.as_str()),
        )?;
        writeln!(self.out, "  <properties>")?;
        let snapshot = self.subject.snapshot.to_string();
        let with = properties.iter().copied().chain([("snapshot", snapshot.as_str())]);
        for (name, value) in with.filter(|(_, value)| !value.is_empty()) {
            writeln!(self.out, "   <property name=\"{name}\" value=\"{}\"/>", xml(value))?;
        }
        writeln!(self.out, "  </properties>")
    }

    fn close(&mut self) -> io::Result<()> {
        writeln!(self.out, " </testsuite>")
    }

    /// Opens a testcase; [`Self::body`] or [`Self::passed`] ends it.
    fn case(&mut self, class: &str, name: &str, file: Option<&str>) -> io::Result<()> {
        let (class, name) = (xml(class), xml(name));
        write!(self.out, "  <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"")?;
        if let Some(file) = file {
            write!(self.out, " file=\"{}\"", xml(file))?;
        }
        write!(self.out, ">")
    }

    /// Some readers show the attribute only, others the text only.
    fn body(&mut self, tag: &str, message: &str, kind: &str, more: &[String]) -> io::Result<()> {
        let message = xml(message);
        write!(self.out, "<{tag} message=\"{message}\"")?;
        if !kind.is_empty() {
            write!(self.out, " type=\"{}\"", xml(kind))?;
        }
        write!(self.out, ">{message}")?;
        for line in more {
            write!(self.out, "\n{}", xml(line))?;
        }
        writeln!(self.out, "</{tag}></testcase>")
    }

    fn rule(&mut self, class: &str, rule: &ReportRule) -> io::Result<()> {
        let meta = &rule.meta;
        let severity = meta.severity.to_string();
        let properties = [
            ("title", meta.title.as_str()),
            ("severity", &severity),
            ("bundle", &meta.bundle),
            ("standard", meta.standard.as_deref().unwrap_or_default()),
        ];
        self.open(class, &Totals::of_rule(rule), &properties)?;
        let file = rule_path(meta);
        if passes(rule) {
            self.case(class, "passes", Some(&file))?;
            writeln!(self.out, "<system-out>{} passed</system-out></testcase>", rule.counts.pass)?;
        }
        for finding in &rule.findings {
            self.case(class, &unique_place(finding), Some(&file))?;
            let (text, mut more) = (message(finding), details(meta, finding));
            match (State::of(finding), &finding.waiver) {
                (State::Waived, Some(waived)) => {
                    more.insert(0, text);
                    self.body("skipped", &waiver(waived), "", &more)?;
                }
                (State::Fail | State::Waived, _) => {
                    self.body("failure", &text, &severity, &more)?;
                }
                (State::NotJudged | State::Missing, _) => {
                    self.body("error", &text, code(finding), &more)?;
                }
            }
        }
        self.close()
    }

    fn scope(&mut self, class: &str, scope: &ScopeReport) -> io::Result<()> {
        let verdict = scope.verdict.to_string();
        let properties = [
            ("title", scope.title.as_str()),
            ("version", &scope.version),
            ("state", &scope.state),
            ("verdict", &verdict),
        ];
        self.open(class, &Totals::of_scope(scope), &properties)?;
        for testcase in &scope.testcases {
            let TestcaseReport { id, target, verdict, expires, older: _, expired } = testcase;
            self.case(class, &format!("{}/{target}/{id}", scope.version), None)?;
            match verdict {
                Verdict::Pass => writeln!(self.out, "</testcase>")?,
                Verdict::Fail if accepted(self.subject, testcase) => {
                    let text = "all that fails is waived or known from the baseline";
                    self.body("skipped", text, "", &[])?;
                }
                Verdict::Fail => {
                    let text = format!("fails: the suite of rule {id} says what is wrong");
                    self.body("skipped", &text, "", &[])?;
                }
                Verdict::Abort => {
                    let text = format!("not judged: the suite of rule {id} says why");
                    self.body("skipped", &text, "", &[])?;
                }
                Verdict::Missing => match (expires, expired) {
                    (None, _) => self.body("error", "no rule judges it", "missing", &[])?,
                    (Some(day), true) => {
                        let text = format!("the result expired on {day}");
                        self.body("error", &text, "missing", &[])?;
                    }
                    (Some(_), false) => {
                        let text = format!("no evidence: the suite of rule {id} says more");
                        self.body("skipped", &text, "", &[])?;
                    }
                },
            }
        }
        self.close()
    }
}

/// The lines below the message: what it is about, as far as the testcase's name
/// does not say so, and how it is mended. GitLab takes 30 MB.
fn details(meta: &RuleMeta, finding: &ReportFinding) -> Vec<String> {
    let found = &finding.finding;
    let change = finding.change.map(Change::name);
    [
        ("Name", found.name.as_deref()),
        ("Region", found.region.as_deref()),
        ("Project", found.project.as_deref()),
        ("Since the baseline", change),
        ("Remediation", Some(meta.remediation.trim()).filter(|r| !r.is_empty())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}: {}", value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_break_out_or_be_invalid() {
        assert_eq!(xml("a<b>&\"c\n\u{0}\u{1b}\u{fffe}"), "a&lt;b&gt;&amp;&quot;c   \u{fffd}");
    }
}
