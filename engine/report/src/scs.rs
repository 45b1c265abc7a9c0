//! The report of the SCS certification suite, which its compliance monitor
//! takes: YAML, one document for each subject and scope.
//!
//! [`scs`] writes it, [`read_scs`] reads the part of it that the monitor does.
//! The file is what the reference suite writes in every key and type, with one
//! invocation in place of its scripts: ours. The monitor does not ask who made
//! a report; whether a certificate may rest on one, scs-0004 decides.
//!
//! Source: SovereignCloudStack/standards, reports of scs-compliance-check and
//! their intake by compliance-monitor, 2026-08-21.

mod read;
mod uuid;
mod yaml;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;
use tidegate_model::{Finding, Timestamp, Verdict};

pub use read::{ScsDocument, ScsReadError, read_scs};

use crate::{Report, ReportRule, ScopeReport, SubjectReport, TestcaseReport};
use uuid::uuid;
use yaml::Yaml;

/// How the run was asked for.
#[derive(Debug, Clone, Default)]
pub struct ScsRun {
    /// The arguments of the command, without its name.
    pub argv: Vec<String>,
    /// The versions of scopes that were named, as (scope, version):
    /// (`scs-compatible-iaas`, `v5.1`). Empty where the effective ones are
    /// reported.
    pub forced: Vec<(String, String)>,
}

/// Why a report cannot be written in this format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScsError {
    /// No scope was asked for, so there are no testcases.
    #[error("the report has no certificate scope, and this format is about nothing else")]
    NoScope,
    /// A testcase has an id that cannot stand in a line `id: PASS`.
    #[error(
        "the id of testcase `{id}` of scope `{scope}` has blanks, colons or over 128 characters"
    )]
    Testcase {
        /// The scope.
        scope: String,
        /// The testcase.
        id: String,
    },
    /// A scope's UUID is none, so the monitor could not tell what it is about.
    #[error("scope `{scope}` has `{uuid}` for a UUID")]
    Uuid {
        /// The scope.
        scope: String,
        /// What stands there.
        uuid: String,
    },
}

/// Longer values of evidence are cut; the JSON report has them whole.
const EVIDENCE: usize = 400;

/// Writes the report as YAML documents, in order of subjects and of the scopes'
/// names. Several versions of a scope make one document with the testcases of
/// all of them, since a testcase's result does not depend on the version.
///
/// - `checked_at` is when the facts were taken, in UTC and, as the format wants
///   it, without a zone: that is when a result begins to age.
/// - `results` has 1 for Pass, 0 for Abort, -1 for Fail; what is Missing is left
///   out, and said in an `INFO` line of `stderr`.
/// - `stderr` has an `ERROR` line for each violation and a `WARNING` line for
///   each reason why something could not be judged. The monitor shows these
///   lines to the public, with names of resources in them.
/// - `run.uuid`, which the monitor takes once only, follows from everything else
///   in the document. Writing the same report again gives the same bytes, which
///   uploaded twice are refused instead of counted twice; and nothing else
///   shares its UUID.
///
/// # Errors
/// [`ScsError`].
pub fn scs(report: &Report, run: &ScsRun) -> Result<String, ScsError> {
    let mut out = String::new();
    for subject in &report.subjects {
        let mut scopes: BTreeMap<&str, Vec<&ScopeReport>> = BTreeMap::new();
        for scope in &subject.scopes {
            scopes.entry(&scope.scope).or_default().push(scope);
        }
        for versions in scopes.values() {
            out.push_str(&document(report, run, subject, versions)?);
        }
    }
    if out.is_empty() { Err(ScsError::NoScope) } else { Ok(out) }
}

/// What an invocation says.
#[derive(Default)]
struct Lines {
    results: Vec<(String, Yaml)>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    infos: i64,
    warnings: i64,
    errors: i64,
}

/// One document; `versions` are those of one scope.
fn document(
    report: &Report,
    run: &ScsRun,
    subject: &SubjectReport,
    versions: &[&ScopeReport],
) -> Result<String, ScsError> {
    let Some(scope) = versions.first() else { return Ok(String::new()) };
    if !uuid::is_uuid(&scope.uuid) {
        let (scope, uuid) = (scope.scope.clone(), scope.uuid.clone());
        return Err(ScsError::Uuid { scope, uuid });
    }
    let lines = lines(subject, versions)?;
    let name = subject.snapshot.subject.as_str();
    let mode = report.mode.as_ref().map_or_else(String::new, |m| format!(" mode={m}"));
    let cmd = format!(
        "tidegate {} snapshot={} rules=sha256:{}{mode}",
        report.tool_version, subject.snapshot, subject.rule_set
    );
    let mut forced = run.forced.iter().filter(|(name, _)| *name == scope.scope);
    let forced = match (forced.next(), forced.next()) {
        (Some((_, version)), None) => Yaml::text(version),
        _ => Yaml::Null,
    };
    // A cluster's snapshot always tells of this kind. The variables of its scope
    // are paths of the suite, which tidegate has none of.
    let of_cluster = subject.coverage.iter().any(|c| c.kind.as_str() == "kubernetes.version");
    let assignment = match of_cluster {
        true => Yaml::map([]),
        false => Yaml::map([("os_cloud", Yaml::text(name))]),
    };
    let with = |run_id: &str, invocation: &str| {
        Yaml::map([
            (
                "spec",
                Yaml::map([
                    ("uuid", Yaml::text(&scope.uuid)),
                    ("name", Yaml::text(&scope.title)),
                    ("url", scope.url.as_ref().map_or(Yaml::Null, Yaml::text)),
                ]),
            ),
            ("checked_at", Yaml::Time(naive(subject.taken_at))),
            ("reference_date", Yaml::Time(date(subject.reference_time))),
            ("subject", Yaml::text(name)),
            (
                "run",
                Yaml::map([
                    ("uuid", Yaml::text(run_id)),
                    ("argv", Yaml::texts(run.argv.iter().cloned())),
                    ("assignment", assignment.clone()),
                    ("sections", Yaml::Null),
                    ("forced_version", forced.clone()),
                    ("forced_tests", Yaml::Null),
                    (
                        "invocations",
                        Yaml::Map(vec![(
                            invocation.to_owned(),
                            lines.invocation(invocation, &cmd),
                        )]),
                    ),
                ]),
            ),
        ])
    };
    let content = with("", "").document();
    Ok(with(&uuid("run", &content), &uuid("invocation", &content)).document())
}

impl Lines {
    fn invocation(&self, id: &str, cmd: &str) -> Yaml {
        Yaml::map([
            ("id", Yaml::text(id)),
            ("cmd", Yaml::text(cmd)),
            ("results", Yaml::Map(self.results.clone())),
            ("rc", Yaml::Int(0)),
            ("stdout", Yaml::texts(self.stdout.iter().cloned())),
            ("stderr", Yaml::texts(self.stderr.iter().cloned())),
            ("info", Yaml::Int(self.infos)),
            ("warning", Yaml::Int(self.warnings)),
            ("error", Yaml::Int(self.errors)),
            ("critical", Yaml::Int(0)),
        ])
    }

    /// Says why a testcase has no result.
    fn missing(&mut self, testcase: &TestcaseReport, rule: Option<&ReportRule>) {
        let id = &testcase.id;
        match (testcase.expires.filter(|_| testcase.expired), rule) {
            (Some(day), _) => self.info(&format!("{id}: missing: the result expired on {day}")),
            (None, Some(rule)) => rule.findings.iter().for_each(|f| self.finding(id, &f.finding)),
            (None, None) => self.info(&format!("{id}: missing: no rule judges it")),
        }
    }

    fn info(&mut self, text: &str) {
        self.infos += 1;
        self.stderr.push(one_line(&format!("INFO: {text}")));
    }

    /// What a rule that judges a testcase found.
    fn finding(&mut self, id: &str, finding: &Finding) {
        let place = match (&finding.resource, &finding.region) {
            (Some(key), _) => format!(" {key}:"),
            (None, Some(region)) => format!(" region {region}:"),
            (None, None) => String::new(),
        };
        for v in finding.violations.iter() {
            let mut text = format!("ERROR: {id}:{place} {}", v.message);
            let evidence: Vec<String> = [("", &v.found), ("want ", &v.wanted)]
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(label, value)| format!("{label}{}", short(value)))
                .collect();
            match (v.path.as_str(), evidence.join(", ")) {
                ("", evidence) if evidence.is_empty() => {}
                ("", evidence) if v.found.is_null() => text.push_str(&format!(" [{evidence}]")),
                ("", evidence) => text.push_str(&format!(" [found {evidence}]")),
                (path, evidence) if v.found.is_null() => {
                    let comma = if evidence.is_empty() { "" } else { ", " };
                    text.push_str(&format!(" [{path} is absent{comma}{evidence}]"));
                }
                (path, evidence) => text.push_str(&format!(" [{path} is {evidence}]")),
            }
            self.errors += 1;
            self.stderr.push(one_line(&text));
        }
        if let Some(cause) = &finding.cause {
            if finding.verdict == Verdict::Missing {
                self.info(&format!("{id}:{place} missing: {}", cause.message));
            } else {
                self.warnings += 1;
                let text = format!("WARNING: {id}:{place} not judged: {}", cause.message);
                self.stderr.push(one_line(&text));
            }
        }
    }
}

fn lines(subject: &SubjectReport, versions: &[&ScopeReport]) -> Result<Lines, ScsError> {
    let rules: BTreeMap<&str, &ReportRule> =
        subject.rules.iter().map(|r| (r.meta.id.as_str(), r)).collect();
    let mut testcases: BTreeMap<&str, &TestcaseReport> = BTreeMap::new();
    for (scope, testcase) in versions.iter().flat_map(|s| s.testcases.iter().map(move |t| (s, t))) {
        let fits = |c: char| c.is_ascii_graphic() && c != ':';
        if testcase.id.is_empty() || testcase.id.len() > 128 || !testcase.id.chars().all(fits) {
            let (scope, id) = (scope.scope.clone(), testcase.id.clone());
            return Err(ScsError::Testcase { scope, id });
        }
        let known = testcases.entry(&testcase.id).or_insert(testcase);
        if testcase.verdict > known.verdict {
            *known = testcase;
        }
    }
    let mut lines = Lines::default();
    for (id, testcase) in testcases {
        // The format has one time for all results, that of the snapshot, and the
        // monitor would count this one beyond its end.
        if let (true, Some(day)) = (testcase.older, testcase.expires) {
            let what = "left out: it rests on older evidence, and counts only until";
            lines.info(&format!("{id}: {what} {day}"));
            continue;
        }
        let (value, word) = match testcase.verdict {
            Verdict::Pass => (1, "PASS"),
            Verdict::Abort => (0, "ABORT"),
            Verdict::Fail => (-1, "FAIL"),
            Verdict::Missing => {
                lines.missing(testcase, rules.get(id).copied());
                continue;
            }
        };
        lines.results.push((id.to_owned(), Yaml::Int(value)));
        lines.stdout.push(format!("{id}: {word}"));
        for finding in rules.get(id).into_iter().flat_map(|r| &r.findings) {
            lines.finding(id, &finding.finding);
        }
    }
    Ok(lines)
}

/// `2026-11-22 07:03:31.802945`, in UTC, as Python writes a `datetime`: six
/// digits of a second's fraction, or none.
fn naive(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC).datetime();
    let micros = time.subsec_nanosecond() / 1000;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{}{fraction}", time.strftime("%Y-%m-%d %H:%M:%S"))
}

fn date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).date().to_string()
}

/// The protocol is one of lines, and names come from clouds.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(EVIDENCE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
