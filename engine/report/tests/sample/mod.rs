//! A report with everything that a format has to get right: findings that fail,
//! that are waived, that could not be judged and that lack evidence; what a
//! baseline says of them; names that a reader might obey; a cloud about which
//! no rule said anything.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_model::{Evaluation, KindCoverage, RuleId, RuleMeta, SnapshotMeta};
use tidegate_report::{
    AtHand, BaselineSummary, Change, Framework, FrameworkReport, Report, Resolved, ScopeReport,
    SubjectReport, TableOptions, TestcaseReport, Waived,
};

const TAKEN: &str = "2026-11-22T01:00:00Z";

fn meta(id: &str, title: &str, severity: &str, kinds: &[&str]) -> RuleMeta {
    let value = json!({
        "id": id,
        "title": title,
        "severity": severity,
        "kinds": kinds,
        "bundle": "scs-compatible-iaas",
        "file": format!("{id}/rule.rego"),
    });
    serde_json::from_value(value).unwrap()
}

fn violation(message: &str) -> Value {
    json!({"message": message, "path": "/ram", "found": 2048, "wanted": 4096})
}

fn flavor(id: &str, name: &str, message: &str) -> Value {
    json!({
        "resource": format!("openstack/compute.flavor/RegionOne/{id}"),
        "region": "RegionOne",
        "name": name,
        "verdict": "fail",
        "violations": [violation(message)],
    })
}

fn rules() -> Vec<(RuleMeta, Value)> {
    let mut flavors = meta(
        "scs-0103-flavor-1v-4",
        "Flavor SCS-1V-4 is as the standard has it",
        "medium",
        &["compute.flavor"],
    );
    flavors.description = "Names promise numbers.\nThe numbers have to be there.".into();
    flavors.remediation = "openstack flavor set --ram 4096 SCS-1V-4\n".into();
    flavors.standard = Some("https://docs.scs.community/standards/scs-0103-v1#1".into());
    let mut groups = meta(
        "os.net.ssh-open",
        "SSH must not be open to <everybody> & their \"friends\"",
        "critical",
        &["network.security_group", "network.port"],
    );
    groups.standard = Some("in-house rule 7".into());
    let images = meta("os.image.described", "Images say what they are", "high", &["image.image"]);
    let evidence = meta("scs-0302-roles", "Domain managers are tested", "low", &["files.evidence"]);
    let plain =
        meta("os.block.encrypted", "Volumes are encrypted", "info", &["block-storage.volume"]);
    vec![
        (
            flavors,
            json!({"verdict": "fail", "counts": {"pass": 7, "fail": 4, "abort": 1, "missing": 0}, "findings": [
                flavor("1", "SCS-1V-4\u{1b}[31m", "flavor `SCS-1V-4` has too little memory"),
                flavor("2", "SCS-1V-4\u{1b}[31m", "flavor `SCS-1V-4` has too little memory"),
                flavor("3", "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0 is no name; it breaks things"),
                flavor("4", "a\u{202e}b\u{fffe}\u{0}c\r\nd,\"e\"", "see [here](http://example.org/)"),
                {
                    "resource": "openstack/compute.flavor/RegionOne/5%2Fx",
                    "region": "RegionOne",
                    "name": "unseen",
                    "verdict": "abort",
                    "cause": {"code": "unseen", "message": "last seen 2026-11-20T01:00:00Z"},
                },
            ]}),
        ),
        (
            groups,
            json!({"verdict": "fail", "counts": {"pass": 0, "fail": 2, "abort": 0, "missing": 0}, "findings": [
                {
                    "resource": "openstack/network.security_group/RegionOne/5f1c",
                    "region": "RegionOne",
                    "project": "p1",
                    "name": "web",
                    "verdict": "fail",
                    "violations": [
                        violation("admits 0.0.0.0/0 on TCP 22"),
                        violation("admits ::/0 on <TCP> 22 & more"),
                    ],
                },
                {
                    "resource": "openstack/network.security_group/RegionOne/77aa",
                    "region": "RegionOne",
                    "project": "p2",
                    "name": "bastion",
                    "verdict": "fail",
                    "violations": [violation("admits 0.0.0.0/0 on TCP 22")],
                },
            ]}),
        ),
        (
            images,
            json!({"verdict": "abort", "counts": {"pass": 3, "fail": 0, "abort": 2, "missing": 0}, "findings": [
                {
                    "region": "RegionTwo",
                    "verdict": "abort",
                    "cause": {"code": "coverage", "message": "image.image: forbidden"},
                },
                {
                    "region": "RegionTwo",
                    "verdict": "abort",
                    "cause": {"code": "limit", "message": "evaluation took longer than 5 s"},
                },
            ]}),
        ),
        (
            evidence,
            json!({"verdict": "missing", "counts": {"pass": 0, "fail": 0, "abort": 0, "missing": 1}, "findings": [
                {
                    "verdict": "missing",
                    "cause": {"code": "evidence", "message": "no attestation `domain-managers`"},
                },
            ]}),
        ),
        (
            plain,
            json!({"verdict": "pass", "counts": {"pass": 12, "fail": 0, "abort": 0, "missing": 0}, "findings": []}),
        ),
    ]
}

fn coverage(kind: &str, region: Option<&str>, status: Value) -> KindCoverage {
    let mut value = json!({
        "source": "openstack/compute",
        "kind": kind,
        "visibility": "all",
        "read_from": TAKEN,
        "read_until": TAKEN,
    });
    let fields = value.as_object_mut().unwrap();
    fields.extend(status.as_object().unwrap().clone());
    if let Some(region) = region {
        fields.insert("region".into(), region.into());
    }
    serde_json::from_value(value).unwrap()
}

pub(crate) fn subject(
    id: &str,
    rules: Vec<(RuleMeta, Value)>,
    scopes: Vec<ScopeReport>,
) -> SubjectReport {
    let outcomes: BTreeMap<RuleId, Value> =
        rules.iter().map(|(m, o)| (m.id.clone(), o.clone())).collect();
    let evaluation: Evaluation = serde_json::from_value(json!({
        "snapshot": id,
        "taken_at": TAKEN,
        "reference_time": TAKEN,
        "rule_set": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "rules": outcomes,
    }))
    .unwrap();
    let snapshot = SnapshotMeta {
        id: id.parse().unwrap(),
        taken_at: TAKEN.parse().unwrap(),
        coverage: vec![
            coverage(
                "compute.flavor",
                Some("RegionOne"),
                json!({"status": "complete", "count": 12}),
            ),
            coverage("image.image", Some("RegionTwo"), json!({"status": "forbidden"})),
            coverage("dns.zone", None, json!({"status": "failed", "reason": "HTTP 503\n\"busy\""})),
        ],
    };
    let metas = rules.into_iter().map(|(m, _)| (m.id.clone(), m)).collect();
    SubjectReport::new(evaluation, &metas, &snapshot, scopes)
}

fn scope() -> ScopeReport {
    let testcase =
        |id: &str, target: &str, verdict: &str, expires: Option<&str>, expired| TestcaseReport {
            id: id.into(),
            target: target.into(),
            verdict: serde_json::from_value(verdict.into()).unwrap(),
            expires: expires.map(|d| d.parse().unwrap()),
            older: false,
            expired,
        };
    ScopeReport {
        scope: "scs-compatible-iaas".into(),
        title: "SCS-compatible IaaS".into(),
        uuid: "50393e6f-2ae1-4c5c-a62c-3b75f2abef3f".into(),
        url: None,
        version: "v5.1".into(),
        state: "effective".into(),
        verdict: serde_json::from_value("fail".into()).unwrap(),
        testcases: vec![
            testcase("scs-0103-flavor-1v-4", "main", "fail", Some("2026-11-30"), false),
            testcase("os.block.encrypted", "main", "pass", Some("2026-11-30"), false),
            testcase("os.image.described", "recommended", "abort", Some("2026-11-29"), false),
            testcase("scs-0302-roles", "main", "missing", Some("2026-12-20"), false),
            testcase("scs-0104-images", "main", "missing", Some("2026-11-21"), true),
            testcase("scs-0123-services", "main", "missing", None, false),
        ],
    }
}

/// The sample.
pub(crate) fn report() -> Report {
    let mut subjects =
        vec![subject("prod1@3", rules(), vec![scope()]), subject("Edge_2.b@1", vec![], vec![])];
    let waived = Waived {
        id: "jump-host".into(),
        reason: "the way in, \"watched\" at night & day".into(),
        owner: "Anna Bär".into(),
        ticket: Some("OPS-7".into()),
        expires: "2026-12-31".parse().unwrap(),
    };
    for rule in &mut subjects[0].rules {
        for (n, finding) in rule.findings.iter_mut().enumerate() {
            let changes = [Change::New, Change::Unchanged, Change::Policy, Change::Coverage];
            finding.change = Some(changes[n % changes.len()]);
            if finding.finding.name.as_deref() == Some("bastion") {
                finding.waiver = Some(waived.clone());
            }
        }
    }
    for (n, change) in [Change::New, Change::Policy, Change::Coverage].into_iter().enumerate() {
        subjects[0].resolved.push(Resolved {
            id: format!("{n:032x}"),
            rule: ["scs-0103-flavor-1v-4", "no-longer-there", "os.image.described"][n].into(),
            resource: Some(format!("openstack/compute.flavor/RegionOne/gone-{n}")),
            change,
        });
    }
    let mut report = Report::new("0.1.0", subjects);
    report.summary.baseline =
        Some(BaselineSummary { name: "prod1@2".into(), changes: BTreeMap::new(), resolved: 3 });
    report.summary.exit = 2;
    report.mode = Some("strict".into());
    report
}

/// A writer of a format.
pub(crate) type Format = fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>;

/// The formats, by the name of their golden file.
pub(crate) const FORMATS: [(&str, Format); 9] = [
    ("code-quality.json", tidegate_report::code_quality),
    ("csv", tidegate_report::csv),
    ("junit.xml", tidegate_report::junit),
    ("ndjson", tidegate_report::ndjson),
    ("ocsf.json", tidegate_report::ocsf),
    ("openreports.yaml", tidegate_report::openreports),
    ("prom", tidegate_report::prometheus),
    ("sarif", |r, out| tidegate_report::sarif(r, &tidegate_report::SarifOptions::default(), out)),
    ("open.sarif", |r, out| {
        tidegate_report::sarif(r, &tidegate_report::SarifOptions { leave_out_waived: true }, out)
    }),
];

/// Those for people and auditors.
#[allow(dead_code, reason = "not all tests are about them")]
pub(crate) const FOR_PEOPLE: [(&str, Format); 3] = [
    ("html", |r, out| tidegate_report::html(r, &tidegate_report::HtmlOptions::default(), out)),
    ("md", |r, out| tidegate_report::markdown(r, &tidegate_report::MarkdownOptions::COMMENT, out)),
    ("oscal.json", tidegate_report::oscal),
];

/// What is made of a report with a framework, by the name of their golden file.
#[allow(dead_code, reason = "not all tests are about them")]
pub(crate) const FRAMEWORK: [(&str, Format); 5] = [
    ("framework.component.json", |_, out| {
        let rules = rules().into_iter().map(|(m, _)| (m.id.clone(), m)).collect();
        let now = TAKEN.parse().unwrap();
        tidegate_report::component_definition(&rules, &[framework()], "0.1.0", now, out)
    }),
    ("framework.csv", tidegate_report::framework_csv),
    ("framework.html", tidegate_report::framework_html),
    ("framework.oscal.json", tidegate_report::oscal),
    ("framework.txt", |r, out| {
        out.write_all(tidegate_report::framework_table(r, &TableOptions::default()).as_bytes())
    }),
];

/// A framework with a control for each way in which rules can speak for it.
pub(crate) fn framework() -> Framework {
    let about = "id: house\ntitle: Rules of the <house>\nedition: '2026'\npublisher: Example Ltd\n\
        source: https://example.org/house\nlicence: ours\nverified: false\ncomplete: true\n\
        controls: [H-1, H-2, H-3, H-4, H-5, H-6, H-7, H-8, '5.1']\n\
        titles: {H-1: 'doors, *locked*', H-5: windows}\n";
    let mapping = "os.block.encrypted: [H-1, H-3]\nscs-0103-flavor-1v-4: [H-2]\n\
        os.image.described: [H-3, H-6]\nscs-0302-roles: [H-4]\nos.net.ssh-open: [H-5, H-6]\n\
        os.gone: [H-7]\nk8s.pod: [H-8]\n";
    Framework::parse("house", about, mapping).unwrap()
}

/// The sample with [`framework`]; both groups that are open to the world are
/// waived.
#[allow(dead_code, reason = "not all tests are about it")]
pub(crate) fn framed() -> Report {
    let mut report = report();
    let rules = &mut report.subjects[0].rules;
    let groups = rules.iter_mut().find(|r| r.meta.id.as_str() == "os.net.ssh-open").unwrap();
    let waived = groups.findings.iter().find_map(|f| f.waiver.clone());
    groups.findings.iter_mut().for_each(|f| f.waiver.clone_from(&waived));
    report.sum();
    let pods = meta("k8s.pod", "Pods are good", "low", &["core.Pod"]);
    let at_hand = BTreeMap::from([(pods.id.clone(), pods)]);
    let foreign = |meta: &RuleMeta, _: &SubjectReport| meta.id.as_str() == "k8s.pod";
    let at_hand = AtHand { rules: &at_hand, foreign: &foreign };
    report.frameworks = vec![FrameworkReport::new(&framework(), &report.subjects, at_hand)];
    report
}

/// What a format makes of a report.
pub(crate) fn written(format: Format, report: &Report) -> String {
    let mut out = Vec::new();
    format(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
