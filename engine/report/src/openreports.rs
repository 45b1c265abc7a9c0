//! OpenReports: `ClusterReport` objects for Policy Reporter and its like.
//!
//! One report for the cloud and one for each project. etcd takes objects of
//! 1.5 MB, so a report of more than 1 MB goes on in another one.
//!
//! Source: openreports/reports-api, openreports.io/v1alpha1.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use tidegate_model::{Digest, Verdict};

use crate::text::{State, code, message, printable, silent, taken_at, waiver};
use crate::{Change, Report, ReportFinding, ReportRule, SubjectReport};

/// Where a report goes on in the next one.
const PART: usize = 1_000_000;

/// Writes YAML documents to apply to a cluster: `fail`, `skip` for a waived
/// Fail, `error` for what could not be judged or has no evidence, and in the
/// cloud's report one `pass` for each rule that passed anything. A cloud about
/// which no rule said anything is an error.
///
/// Objects of a cloud share the label `tidegate/subject`, by which those of
/// projects that have no findings any more can be pruned.
///
/// # Errors
/// Those of `out`.
pub fn openreports(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    for subject in &report.subjects {
        let mut projects: BTreeMap<&str, Vec<(&ReportRule, &ReportFinding)>> = BTreeMap::new();
        for rule in &subject.rules {
            for finding in &rule.findings {
                let project = finding.finding.project.as_deref().unwrap_or("");
                projects.entry(project).or_default().push((rule, finding));
            }
        }
        let cloud = projects.remove("").unwrap_or_default();
        let mut document = Document::new(report, subject, "");
        if silent(subject) {
            document.silent();
        }
        for rule in &subject.rules {
            if rule.counts.pass > 0 || rule.verdict == Verdict::Pass {
                document.pass(rule, &mut out)?;
            }
        }
        document.all(&cloud, &mut out)?;
        for (project, findings) in projects {
            Document::new(report, subject, project).all(&findings, &mut out)?;
        }
    }
    out.flush()
}

/// Text as a double-quoted scalar. JSON's escapes are YAML's too, but YAML
/// wants some more characters escaped, which `printable` has replaced.
fn quoted(text: &str) -> String {
    serde_json::Value::from(printable(text)).to_string()
}

/// The subject as a part of object names and as a value of a label: at most 51
/// characters, and another one for another subject.
fn slug(subject: &SubjectReport) -> String {
    let name = subject.snapshot.subject.as_str();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let slug: String = name.chars().take(40).map(plain).collect();
    format!("{}-{}", slug.trim_start_matches('-'), short(&[name]))
}

fn short(parts: &[&str]) -> String {
    let mut text = Digest::of(parts.join("\0").as_bytes()).to_string();
    text.truncate(10);
    text
}

#[derive(Default)]
struct Summary {
    pass: usize,
    fail: usize,
    error: usize,
    skip: usize,
}

/// A report being put together, part by part.
struct Document<'a> {
    report: &'a Report,
    subject: &'a SubjectReport,
    project: &'a str,
    slug: String,
    part: usize,
    results: String,
    summary: Summary,
}

impl<'a> Document<'a> {
    fn new(report: &'a Report, subject: &'a SubjectReport, project: &'a str) -> Self {
        let (slug, results) = (slug(subject), String::new());
        Self { report, subject, project, slug, part: 1, results, summary: Summary::default() }
    }

    fn all(
        mut self,
        findings: &[(&ReportRule, &ReportFinding)],
        out: &mut impl Write,
    ) -> io::Result<()> {
        for (rule, finding) in findings {
            self.finding(rule, finding, out)?;
        }
        self.flush(out)
    }

    /// Writes what is there as one object.
    fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.results.is_empty() && self.part > 1 {
            return Ok(());
        }
        let Summary { pass, fail, error, skip } = std::mem::take(&mut self.summary);
        let mut name = format!("tidegate-{}", self.slug);
        if !self.project.is_empty() {
            let _ = write!(name, "-{}", short(&[self.project]));
        }
        if self.part > 1 {
            let _ = write!(name, "-{}", self.part);
        }
        write!(
            out,
            "---\n\
             apiVersion: openreports.io/v1alpha1\n\
             kind: ClusterReport\n\
             metadata:\n  \
               name: {name}\n  \
               labels:\n    \
                 app.kubernetes.io/managed-by: tidegate\n    \
                 tidegate/subject: {}\n  \
               annotations:\n    \
                 tidegate/snapshot: {}\n    \
                 tidegate/version: {}\n",
            self.slug,
            quoted(&self.subject.snapshot.to_string()),
            quoted(&self.report.tool_version),
        )?;
        if !self.project.is_empty() {
            writeln!(out, "    tidegate/project: {}", quoted(self.project))?;
        }
        writeln!(out, "source: tidegate")?;
        write!(
            out,
            "summary:\n  pass: {pass}\n  fail: {fail}\n  warn: 0\n  error: {error}\n  skip: {skip}\n"
        )?;
        if self.results.is_empty() {
            writeln!(out, "results: []")?;
        } else {
            writeln!(out, "results:")?;
            out.write_all(self.results.as_bytes())?;
        }
        self.results.clear();
        self.part += 1;
        Ok(())
    }

    fn head(&mut self, rule: &ReportRule, result: &str, text: &str) {
        let (meta, seconds) = (&rule.meta, taken_at(self.subject));
        let _ = write!(
            self.results,
            "- policy: {}\n  category: {}\n  severity: {}\n  result: {result}\n  scored: true\n  \
             timestamp:\n    seconds: {seconds}\n    nanos: 0\n  message: {}\n",
            quoted(meta.id.as_str()),
            quoted(&meta.bundle),
            meta.severity,
            quoted(text),
        );
    }

    fn properties(&mut self, properties: &[(&str, Option<&str>)]) {
        self.results.push_str("  properties:\n");
        for (name, value) in properties {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                let _ = writeln!(self.results, "    {name}: {}", quoted(value));
            }
        }
    }

    fn silent(&mut self) {
        self.summary.error += 1;
        self.results.push_str(
            "- policy: tidegate\n  result: error\n  scored: true\n  message: \"no rule judged this cloud\"\n",
        );
    }

    fn pass(&mut self, rule: &ReportRule, out: &mut impl Write) -> io::Result<()> {
        self.summary.pass += 1;
        self.head(rule, "pass", &format!("{}: {} passed", rule.meta.title, rule.counts.pass));
        self.properties(&[
            ("subject", Some(self.subject.snapshot.subject.as_str())),
            ("standard", rule.meta.standard.as_deref()),
        ]);
        self.full(out)
    }

    fn finding(
        &mut self,
        rule: &ReportRule,
        found: &ReportFinding,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (text, finding) = (message(found), &found.finding);
        let waived = found.waiver.as_ref().filter(|_| State::of(found) == State::Waived);
        let (count, result) = match State::of(found) {
            State::Fail => (&mut self.summary.fail, "fail"),
            State::Waived => (&mut self.summary.skip, "skip"),
            State::NotJudged | State::Missing => (&mut self.summary.error, "error"),
        };
        *count += 1;
        match waived {
            Some(waived) => self.head(rule, result, &format!("{}: {text}", waiver(waived))),
            None => self.head(rule, result, &text),
        }
        if let Some(key) = &finding.resource {
            let _ = write!(
                self.results,
                "  resources:\n  - apiVersion: {}\n    kind: {}\n    name: {}\n    uid: {}\n",
                quoted(key.system()),
                quoted(key.kind()),
                quoted(&key.id()),
                quoted(key.as_str()),
            );
        }
        let verdict = finding.verdict.to_string();
        let expires = waived.map(|w| w.expires.to_string());
        let properties = [
            ("id", Some(found.id.as_str())),
            ("subject", Some(self.subject.snapshot.subject.as_str())),
            ("region", finding.region.as_deref()),
            ("project", finding.project.as_deref()),
            ("name", finding.name.as_deref()),
            ("verdict", Some(verdict.as_str())),
            ("cause", Some(code(found))),
            ("change", found.change.map(Change::name)),
            ("waiver", waived.map(|w| w.id.as_str())),
            ("waiver-expires", expires.as_deref()),
            ("remediation", Some(rule.meta.remediation.trim())),
            ("standard", rule.meta.standard.as_deref()),
        ];
        self.properties(&properties);
        self.full(out)
    }

    /// Goes on in another object where this one is large enough.
    fn full(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.results.len() > PART { self.flush(out) } else { Ok(()) }
    }
}
