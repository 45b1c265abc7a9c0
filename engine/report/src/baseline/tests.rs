use serde_json::json;
use tidegate_model::Severity;

use super::*;
use crate::table::tests::sample;

/// The sample's report as a baseline, changed.
fn baseline(change: impl Fn(&mut serde_json::Value)) -> Baseline {
    let mut value = serde_json::to_value(sample()).unwrap();
    change(&mut value);
    Baseline::from_json("then.json", &value.to_string()).unwrap()
}

fn compared(baseline: &Baseline, only_new: bool) -> Report {
    let mut report = sample();
    baseline.compare(&mut report, only_new);
    report
}

fn change_of(report: &Report, rule: &str) -> Change {
    let rule = report.subjects[0].rules.iter().find(|r| r.meta.id.as_str() == rule).unwrap();
    rule.findings[0].change.unwrap()
}

/// The rules of the report in JSON: `c-fail` first, then `b-abort`, `a-pass`.
fn rules(value: &mut serde_json::Value) -> &mut Vec<serde_json::Value> {
    value["subjects"][0]["rules"].as_array_mut().unwrap()
}

#[test]
fn an_unchanged_cloud_has_nothing_new() {
    let report = compared(&baseline(|_| ()), true);
    let summary = report.summary.baseline.as_ref().unwrap();
    assert_eq!(summary.changes, BTreeMap::from([(Change::Unchanged, 2)]));
    assert!(!report.fails_at(Severity::Info));
    assert!(report.incomplete(), "what could not be judged is not hidden");
    assert!(report.subjects[0].rules.iter().all(|r| r.meta.id.as_str() != "c-fail"));
}

#[test]
fn what_the_baseline_lacks_is_new_and_the_cause_is_told() {
    let empty = baseline(|v| rules(v)[0]["findings"] = json!([]));
    assert_eq!(change_of(&compared(&empty, true), "c-fail"), Change::New);
    assert!(compared(&empty, true).fails_at(Severity::Low));

    let no_rule = baseline(|v| drop(rules(v).remove(0)));
    assert_eq!(change_of(&compared(&no_rule, true), "c-fail"), Change::Policy);

    let unsure = baseline(|v| {
        let id = rules(v)[0]["findings"][0]["id"].clone();
        rules(v)[0]["findings"] = json!([{"id": id, "verdict": "abort"}]);
    });
    assert_eq!(change_of(&compared(&unsure, true), "c-fail"), Change::Coverage);

    let judged = baseline(|v| rules(v)[1]["findings"] = json!([]));
    assert_eq!(change_of(&compared(&judged, true), "b-abort"), Change::Coverage);
    assert_eq!(change_of(&compared(&Baseline::new("none"), true), "c-fail"), Change::New);
}

#[test]
fn more_wrong_with_a_known_thing_is_new() {
    let other = baseline(|v| {
        rules(v)[0]["findings"][0]["violations"][0]["message"] = "something else".into();
    });
    assert_eq!(change_of(&compared(&other, true), "c-fail"), Change::New);
    assert!(compared(&other, true).fails_at(Severity::Low));
}

#[test]
fn what_was_only_accepted_then_is_new_once_it_is_not() {
    let waived = baseline(|v| {
        rules(v)[0]["findings"][0]["waiver"] =
            json!({"id": "W", "reason": "r", "owner": "o", "expires": "2026-01-01"});
    });
    assert_eq!(change_of(&compared(&waived, true), "c-fail"), Change::New);
}

#[test]
fn what_is_no_more_is_listed_with_its_cause() {
    let more = |rule: &'static str| {
        baseline(move |v| {
            let found = json!([{"id": "0".repeat(32), "resource": "a/b.c/d", "verdict": "fail"}]);
            rules(v).push(json!({"id": rule, "findings": found}));
        })
    };
    let cause = |rule| compared(&more(rule), false).subjects[0].resolved[0].change;
    assert_eq!(cause("a-pass"), Change::New);
    assert_eq!(cause("gone-rule"), Change::Policy);
    assert_eq!(cause("b-abort"), Change::Coverage);
    let report = compared(&more("a-pass"), false);
    assert_eq!(report.summary.baseline.as_ref().unwrap().resolved, 1);
    let text = crate::table(&report, &crate::TableOptions::default());
    assert!(text.contains("Resolved since the baseline\n  a-pass  a/b.c/d\n"), "{text}");
}

#[test]
fn a_rule_that_changed_is_told_from_a_cloud_that_changed() {
    let evaluation = |fails: bool| {
        let report = sample();
        let subject = &report.subjects[0];
        let outcome = |r: &crate::ReportRule| tidegate_model::RuleOutcome {
            verdict: r.verdict,
            counts: r.counts,
            valid_until: None,
            findings: r
                .findings
                .iter()
                .map(|f| f.finding.clone())
                .filter(|f| fails || f.verdict != Verdict::Fail)
                .collect(),
        };
        Evaluation {
            snapshot: subject.snapshot.clone(),
            taken_at: subject.taken_at,
            reference_time: subject.reference_time,
            rule_set: subject.rule_set,
            rules: subject.rules.iter().map(|r| (r.meta.id.clone(), outcome(r))).collect(),
        }
    };
    let of = |then: bool, again: bool| {
        let mut baseline = Baseline::new("prod1@2");
        baseline.add(Some(&evaluation(then)), &evaluation(again));
        change_of(&compared(&baseline, false), "c-fail")
    };
    assert_eq!(of(true, true), Change::Unchanged);
    assert_eq!(of(false, true), Change::Policy);
    assert_eq!(of(false, false), Change::New);
    let mut without = Baseline::new("prod1@2");
    without.add(None, &evaluation(true));
    assert_eq!(change_of(&compared(&without, false), "c-fail"), Change::Unchanged);
}

#[test]
fn what_is_no_report_is_refused() {
    let refused = |text: &str| Baseline::from_json("x", text).unwrap_err().to_string();
    assert!(refused("{}").starts_with("it is not a JSON report of tidegate: missing field"));
    assert!(refused("not json").contains("it is not a JSON report of tidegate"));
    let other = json!({"schema_version": "tidegate.report/v9", "subjects": []});
    assert!(refused(&other.to_string()).contains("its shape is `tidegate.report/v9`"));
}
