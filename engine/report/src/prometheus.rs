//! Prometheus text format, for the textfile collector of node_exporter.
//!
//! Samples carry no timestamps (the collector refuses them) and no resources:
//! the series are as many as rules, whatever the size of the cloud. Every state
//! has its sample, zero included, so that an alert sees a number fall. Write the
//! file beside its final name and rename it; the collector may read at any time.
//!
//! Source: prometheus.io, Exposition formats, and Metric and label naming.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tidegate_model::{Severity, Status, Verdict};

use crate::text::{State, complete, printable, taken_at};
use crate::{Change, Report, ReportFinding, ReportRule, SubjectReport};

const VERDICTS: [Verdict; 4] = [Verdict::Pass, Verdict::Abort, Verdict::Missing, Verdict::Fail];
const CHANGES: [Change; 4] = [Change::Unchanged, Change::New, Change::Policy, Change::Coverage];

/// Writes gauges, each with its `subject`:
///
/// - `tidegate_scan_info`, `tidegate_scan_last_success_timestamp_seconds` (when
///   the snapshot judged was taken; alert on its age), `tidegate_scan_complete`
/// - `tidegate_rules` by verdict, `tidegate_findings` by severity and state,
///   `tidegate_rule_results` by rule and state, `tidegate_findings_since_baseline`,
///   `tidegate_findings_resolved`
/// - `tidegate_waiver_expiry_timestamp_seconds`
/// - `tidegate_scope_verdict` (1 for the verdict it has), `tidegate_scope_testcases`,
///   `tidegate_scope_result_expiry_timestamp_seconds`
/// - `tidegate_coverage_kinds` by status, `tidegate_coverage_gap_rules`
///
/// States are `fail`, `waived` and `not_judged`, which counts missing evidence
/// too; of `tidegate_rule_results` also `pass`.
///
/// # Errors
/// Those of `out`.
pub fn prometheus(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out: BufWriter::with_capacity(1 << 16, out), report };
    page.scan()?;
    page.findings()?;
    page.scopes()?;
    page.coverage()?;
    page.out.flush()
}

/// The states as this format tells them apart.
const STATES: [&str; 3] = ["fail", "waived", "not_judged"];

fn state(finding: &ReportFinding) -> &'static str {
    match State::of(finding) {
        State::Fail => "fail",
        State::Waived => "waived",
        State::NotJudged | State::Missing => "not_judged",
    }
}

fn with_state<'a>(findings: impl Iterator<Item = &'a ReportFinding>, wanted: &str) -> usize {
    findings.filter(|f| state(f) == wanted).count()
}

struct Page<'a, W: Write> {
    out: BufWriter<W>,
    report: &'a Report,
}

impl<'a, W: Write> Page<'a, W> {
    /// The head of a metric. Help and type stand once for each name.
    fn metric(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    fn sample(
        &mut self,
        name: &str,
        subject: &SubjectReport,
        labels: &[(&str, &str)],
        value: impl std::fmt::Display,
    ) -> io::Result<()> {
        write!(self.out, "{name}{{subject=\"{}\"", subject.snapshot.subject)?;
        for (label, text) in labels {
            let text = printable(text).replace('\\', "\\\\").replace('"', "\\\"");
            write!(self.out, ",{label}=\"{text}\"")?;
        }
        writeln!(self.out, "}} {value}")
    }

    /// A metric with a sample from each of what `of` gives for a cloud: labels
    /// and value.
    fn each<L, V, I>(
        &mut self,
        name: &str,
        help: &str,
        of: impl Fn(&'a SubjectReport) -> I,
    ) -> io::Result<()>
    where
        L: AsRef<[(&'static str, String)]>,
        V: std::fmt::Display,
        I: IntoIterator<Item = (L, V)>,
    {
        let mut headed = false;
        for subject in &self.report.subjects {
            for (labels, value) in of(subject) {
                // A name without samples is not mentioned.
                if !std::mem::replace(&mut headed, true) {
                    self.metric(name, help)?;
                }
                let labels: Vec<(&str, &str)> =
                    labels.as_ref().iter().map(|(l, t)| (*l, t.as_str())).collect();
                self.sample(name, subject, &labels, value)?;
            }
        }
        Ok(())
    }

    fn scan(&mut self) -> io::Result<()> {
        let report = self.report;
        self.each("tidegate_scan_info", "What judged, with which rules.", |s| {
            let labels = [
                ("version", report.tool_version.clone()),
                ("rule_set", s.rule_set.to_string()),
                ("mode", report.mode.clone().unwrap_or_default()),
            ];
            [(labels, 1)]
        })?;
        self.each(
            "tidegate_scan_last_success_timestamp_seconds",
            "When the snapshot that was judged last was taken.",
            |s| [([], taken_at(s))],
        )?;
        self.each("tidegate_scan_complete", "1 if everything could be judged, otherwise 0.", |s| {
            [([], u8::from(complete(s)))]
        })
    }

    fn findings(&mut self) -> io::Result<()> {
        let report = self.report;
        self.each("tidegate_rules", "Rules by their worst verdict.", |s| {
            VERDICTS.map(|v| {
                let count = s.rules.iter().filter(|r| r.verdict == v).count();
                ([("verdict", v.to_string())], count)
            })
        })?;
        self.each("tidegate_findings", "Findings by severity of the rule and state.", |s| {
            let of = move |severity: Severity, state: &'static str| {
                let rules = s.rules.iter().filter(move |r| r.meta.severity == severity);
                let count = with_state(rules.flat_map(|r| &r.findings), state);
                ([("severity", severity.to_string()), ("state", state.to_owned())], count)
            };
            Severity::ALL.into_iter().flat_map(move |v| STATES.map(|state| of(v, state)))
        })?;
        self.each("tidegate_rule_results", "What each rule judged, by state.", |s| {
            s.rules.iter().flat_map(rule_results)
        })?;
        self.each(
            "tidegate_findings_since_baseline",
            "Findings by how they stand to the baseline, and state.",
            |s| {
                let all = || s.rules.iter().flat_map(|r| &r.findings);
                let compared = all().any(|f| f.change.is_some());
                let changes = CHANGES.into_iter().filter(move |_| compared);
                changes.flat_map(move |change| {
                    STATES.map(|state| {
                        let changed = all().filter(|f| f.change == Some(change));
                        let labels =
                            [("change", change.name().to_owned()), ("state", state.to_owned())];
                        (labels, with_state(changed, state))
                    })
                })
            },
        )?;
        self.each(
            "tidegate_findings_resolved",
            "Fails that the baseline has and that are no more, by what changed.",
            |s| {
                let compared = report.summary.baseline.is_some();
                CHANGES.into_iter().filter(move |c| compared && c.is_new()).map(|change| {
                    let count = s.resolved.iter().filter(|r| r.change == change).count();
                    ([("change", change.name().to_owned())], count)
                })
            },
        )?;
        self.each(
            "tidegate_waiver_expiry_timestamp_seconds",
            "From when on a waiver that accepts a finding no longer counts.",
            |s| {
                let waivers = s.rules.iter().flat_map(|r| &r.findings).filter_map(|f| {
                    let waiver = f.waiver.as_ref()?;
                    // It counts on its last day too.
                    let end = waiver.expires.tomorrow().ok().and_then(midnight)?;
                    Some((waiver.id.as_str(), end))
                });
                let waivers: BTreeMap<&str, i64> = waivers.collect();
                waivers.into_iter().map(|(id, end)| ([("waiver", id.to_owned())], end))
            },
        )
    }

    fn scopes(&mut self) -> io::Result<()> {
        self.each("tidegate_scope_verdict", "1 for the verdict that the scope has.", |s| {
            s.scopes.iter().flat_map(|scope| {
                VERDICTS.map(|v| {
                    let [name, version] = scope_labels(scope);
                    ([name, version, ("verdict", v.to_string())], u8::from(scope.verdict == v))
                })
            })
        })?;
        self.each("tidegate_scope_testcases", "Testcases by target and verdict.", |s| {
            s.scopes.iter().flat_map(|scope| {
                let targets = scope.testcases.iter().map(|t| t.target.as_str());
                let targets: std::collections::BTreeSet<&str> = targets.collect();
                targets.into_iter().flat_map(move |target| {
                    VERDICTS.map(|v| {
                        let of = scope.testcases.iter().filter(|t| t.target == target);
                        let [name, version] = scope_labels(scope);
                        let target = ("target", target.to_owned());
                        let labels = [name, version, target, ("verdict", v.to_string())];
                        (labels, of.filter(|t| t.verdict == v).count())
                    })
                })
            })
        })?;
        self.each(
            "tidegate_scope_result_expiry_timestamp_seconds",
            "From when on the first result of the scope no longer counts.",
            |s| {
                s.scopes.iter().filter_map(|scope| {
                    let first = scope.testcases.iter().filter_map(|t| t.expires).min()?;
                    Some((scope_labels(scope), midnight(first)?))
                })
            },
        )
    }

    fn coverage(&mut self) -> io::Result<()> {
        self.each("tidegate_coverage_kinds", "Kinds by how listing them went.", |s| {
            ["complete", "subset", "forbidden", "absent", "failed", "inconsistent"].map(|name| {
                let count = s.coverage.iter().filter(|c| status(&c.status) == name).count();
                ([("status", name.to_owned())], count)
            })
        })?;
        self.each(
            "tidegate_coverage_gap_rules",
            "Rules that could not be judged because of a kind that could not be read.",
            |s| {
                s.gaps.iter().map(|gap| {
                    let region = gap.region.clone().unwrap_or_default();
                    ([("kind", gap.kind.clone()), ("region", region)], gap.rules_affected)
                })
            },
        )
    }
}

fn scope_labels(scope: &crate::ScopeReport) -> [(&'static str, String); 2] {
    [("scope", scope.scope.clone()), ("version", scope.version.clone())]
}

fn rule_results(rule: &ReportRule) -> [([(&'static str, String); 3], u64); 4] {
    let count = |state| with_state(rule.findings.iter(), state) as u64;
    [
        ("pass", rule.counts.pass),
        ("fail", count("fail")),
        ("waived", count("waived")),
        ("not_judged", count("not_judged")),
    ]
    .map(|(state, value)| {
        let labels = [
            ("rule", rule.meta.id.to_string()),
            ("severity", rule.meta.severity.to_string()),
            ("state", state.to_owned()),
        ];
        (labels, value)
    })
}

fn status(status: &Status) -> &'static str {
    match status {
        Status::Complete { .. } => "complete",
        Status::Subset { .. } => "subset",
        Status::Forbidden => "forbidden",
        Status::Absent => "absent",
        Status::Failed { .. } => "failed",
        Status::Inconsistent => "inconsistent",
    }
}

/// The beginning of a day, UTC, in seconds since 1970.
fn midnight(day: Date) -> Option<i64> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}
