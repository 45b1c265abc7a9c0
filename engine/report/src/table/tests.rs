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
        cause: Some(Cause { code: AbortCode::Coverage, message: "image.image: forbidden".into() }),
        ..finding(Verdict::Abort)
    };
    let outcome =
        |verdict, counts, findings| RuleOutcome { verdict, counts, valid_until: None, findings };
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
            outcome(Verdict::Fail, Counts { fail: 1, pass: 3, ..Counts::default() }, vec![fail]),
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
