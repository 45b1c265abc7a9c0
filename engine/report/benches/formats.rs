//! CPU time and memory of writing a large report: 2,000 servers, volumes,
//! images and security groups, 44,000 findings.
//!
//! Prints one JSON object a line: each format alone, then `all` of them one
//! after the other, each in a process of its own. `cpu_s` is writing alone;
//! `peak_bytes` is the whole process with the report in it, of which
//! `report_bytes` is what it needs before anything is written. Bounds are for
//! `all`: 3 CPU seconds and 300 MB; `ratio` is the worse of both, below 1 is
//! within.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints and may stop"
)]

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;
use tidegate_model::{
    Counts, Digest, Evaluation, Finding, Kind, KindCoverage, ResourceKey, RuleId, RuleMeta,
    RuleOutcome, Severity, SnapshotMeta, Status, Timestamp, Verdict, Violation, Visibility,
};
use tidegate_report::{
    HtmlOptions, MarkdownOptions, Report, SarifOptions, SubjectReport, TableOptions,
};

const RESOURCES: u32 = 2_000;
/// Kind and number of rules about it.
const KINDS: [(&str, usize); 4] = [
    ("compute.server", 6),
    ("block-storage.volume", 6),
    ("image.image", 5),
    ("network.security_group", 5),
];
const BOUND_CPU_S: f64 = 3.0;
const BOUND_BYTES: f64 = 300e6;

/// Counts what it is given.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

type Format = fn(&Report, &mut dyn Write) -> std::io::Result<()>;

const FORMATS: [(&str, Format); 13] = [
    ("table", |r, out| {
        let options = TableOptions { verbose: true, ..TableOptions::default() };
        out.write_all(tidegate_report::table(r, &options).as_bytes())
    }),
    ("json", tidegate_report::json),
    ("ndjson", tidegate_report::ndjson),
    ("csv", tidegate_report::csv),
    ("sarif", |r, out| tidegate_report::sarif(r, &SarifOptions::default(), out)),
    ("junit", tidegate_report::junit),
    ("code-quality", tidegate_report::code_quality),
    ("prometheus", tidegate_report::prometheus),
    ("openreports", tidegate_report::openreports),
    ("ocsf", tidegate_report::ocsf),
    ("html", |r, out| tidegate_report::html(r, &HtmlOptions::default(), out)),
    ("markdown", |r, out| tidegate_report::markdown(r, &MarkdownOptions::STEP_SUMMARY, out)),
    ("oscal", tidegate_report::oscal),
];

fn finding(kind: &Kind, n: u32, rule: usize) -> Finding {
    let uuid = format!("{n:08x}-5f1c-4c5c-a62c-{:012x}", u64::from(n) * 7_919);
    Finding {
        resource: Some(ResourceKey::build("openstack", kind, &["RegionOne", &uuid])),
        region: Some("RegionOne".to_owned()),
        project: Some(format!("{:032x}", n % 200)),
        name: Some(format!("{kind}-{n}")),
        verdict: Verdict::Fail,
        violations: [Violation {
            message: format!(
                "`{kind}-{n}` of rule {rule} does not have what the standard asks of it"
            ),
            path: format!("/metadata/property-{rule}"),
            found: json!(["one", "two", n]),
            wanted: json!("three"),
        }]
        .into(),
        cause: None,
    }
}

fn report() -> Report {
    let taken_at: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
    let (mut metas, mut rules) = (BTreeMap::new(), BTreeMap::new());
    let mut coverage = Vec::new();
    for (kind, count) in KINDS {
        let kind = Kind::new(kind).unwrap();
        coverage.push(KindCoverage {
            source: "openstack/x".into(),
            region: Some("RegionOne".into()),
            kind: kind.clone(),
            status: Status::Complete { count: u64::from(RESOURCES) },
            visibility: Visibility::All,
            read_from: taken_at,
            read_until: taken_at,
        });
        for rule in 0..count {
            let id = RuleId::new(format!("bench.{kind}.{rule}")).unwrap();
            let meta = json!({
                "id": id,
                "title": format!("Each {kind} has what standard {rule} asks for"),
                "description": "What the standard asks for, in a sentence or two of usual length.",
                "severity": Severity::ALL[rule % Severity::ALL.len()],
                "kinds": [kind],
                "standard": "https://docs.scs.community/standards/scs-0100-v3-flavor-naming",
                "remediation": format!("openstack set --property property-{rule}=three RESOURCE"),
                "bundle": "bench",
                "file": format!("{id}/rule.rego"),
            });
            metas.insert(id.clone(), serde_json::from_value::<RuleMeta>(meta).unwrap());
            let findings = (0..RESOURCES).map(|n| finding(&kind, n, rule)).collect();
            let counts = Counts { fail: RESOURCES.into(), ..Counts::default() };
            rules.insert(
                id,
                RuleOutcome { verdict: Verdict::Fail, counts, valid_until: None, findings },
            );
        }
    }
    let snapshot = SnapshotMeta { id: "prod1@417".parse().unwrap(), taken_at, coverage };
    let evaluation = Evaluation {
        snapshot: snapshot.id.clone(),
        taken_at,
        reference_time: taken_at,
        rule_set: Digest::of(b""),
        rules,
    };
    Report::new("0.1.0", vec![SubjectReport::new(evaluation, &metas, &snapshot, vec![])])
}

/// CPU nanoseconds of this thread, which is the only one.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

/// The most memory that this process has had, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn measure(name: &str) {
    let report = report();
    let findings: usize =
        report.subjects.iter().flat_map(|s| &s.rules).map(|r| r.findings.len()).sum();
    let (report_bytes, began) = (peak_bytes(), cpu_ns());
    let mut out = Count(0);
    for (_, format) in FORMATS.iter().filter(|(n, _)| *n == name || name == "all") {
        format(&report, &mut out).unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (cpu_s, peak) = ((cpu_ns() - began) as f64 / 1e9, peak_bytes() as f64);
    let line = json!({
        "bench": format!("report.{name}"),
        "findings": findings,
        "bytes": out.0,
        "cpu_s": cpu_s,
        "peak_bytes": peak,
        "report_bytes": report_bytes,
        "bound_cpu_s": BOUND_CPU_S,
        "bound_bytes": BOUND_BYTES,
        "ratio": f64::max(cpu_s / BOUND_CPU_S, peak / BOUND_BYTES),
    });
    println!("{line}");
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if let Some(name) = asked.first() {
        return measure(name);
    }
    for name in FORMATS.iter().map(|(name, _)| *name).chain(["all"]) {
        let this = std::env::current_exe().unwrap();
        assert!(std::process::Command::new(this).arg(name).status().unwrap().success(), "{name}");
    }
}
