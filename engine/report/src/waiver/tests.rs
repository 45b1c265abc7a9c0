use tidegate_model::{Severity, Verdict};

use super::*;
use crate::Report;
use crate::table::tests::sample;

const FILE: &str = "
waivers:
- id: W-1
  rules: [c-fail]
  resources: [openstack/compute.flavor/*]
  reason: legacy
  owner: jane@example.org
  ticket: T-1
  expires: 2027-01-31
";

/// The sample, judged on 2026-11-22, under waivers.
fn waived(yaml: &str) -> Report {
    let mut waivers = Waivers::default();
    waivers.add("w.yaml", yaml).unwrap();
    let mut report = sample();
    waivers.apply(&mut report.subjects[0]);
    report.sum();
    report
}

fn faults(report: &Report) -> Vec<&str> {
    let rules = report.subjects[0].rules.iter();
    rules.map(|r| r.meta.id.as_str()).filter(|id| id.starts_with("waiver-")).collect()
}

#[test]
fn a_waived_fail_is_shown_as_one_and_does_not_count() {
    let report = waived(FILE);
    let rule = report.subjects[0].rules.iter().find(|r| r.meta.id.as_str() == "c-fail").unwrap();
    assert_eq!(rule.verdict, Verdict::Fail);
    assert_eq!(rule.findings[0].waiver.as_ref().unwrap().id, "W-1");
    assert!(faults(&report).is_empty());
    assert_eq!((report.summary.failed, report.summary.waived), (0, 1));
    assert!(!report.fails_at(Severity::Info));
    assert!(sample().fails_at(Severity::Low));
}

#[test]
fn what_could_not_be_judged_is_never_waived() {
    let report =
        waived(&FILE.replace("[c-fail]", "[b-abort]").replace("[openstack", "['', openstack"));
    assert!(report.subjects[0].rules.iter().flat_map(|r| &r.findings).all(|f| f.waiver.is_none()));
    assert_eq!(faults(&report), ["waiver-unused"]);
    assert!(report.incomplete());
}

#[test]
fn the_last_day_counts_and_the_next_does_not() {
    assert!(faults(&waived(&FILE.replace("2027-01-31", "2026-11-22"))).is_empty());
    let report = waived(&FILE.replace("2027-01-31", "2026-11-21"));
    assert_eq!(faults(&report), ["waiver-expired"]);
    assert!(report.fails_at(Severity::Low));
    let text = crate::table(&report, &crate::TableOptions::default());
    assert!(
        text.contains("waiver `W-1` of jane@example.org expired on 2026-11-21; it was: legacy")
    );
}

#[test]
fn a_year_is_the_longest_and_one_of_rule_and_resource_is_named() {
    assert!(faults(&waived(&FILE.replace("2027-01-31", "2027-11-22"))).is_empty());
    assert_eq!(faults(&waived(&FILE.replace("2027-01-31", "2027-11-24"))), ["waiver-too-long"]);
    assert_eq!(faults(&waived(&FILE.replace("[c-fail]", "['c-*']"))), ["waiver-too-broad"]);
    let exact = FILE.replace("[c-fail]", "['c-*']").replace("flavor/*", "flavor/R/1");
    assert!(faults(&waived(&exact)).is_empty());
    let nothing = FILE.replace("[c-fail]", "['*']").replace("[openstack/compute.flavor/*]", "['']");
    assert_eq!(faults(&waived(&nothing)), ["waiver-too-broad"]);
    let other = FILE.replace("  reason", "  subjects: [prod9]\n  reason");
    let report = waived(&other);
    assert!(faults(&report).is_empty(), "it is about another cloud");
    assert!(report.fails_at(Severity::Low));
}

#[test]
fn several_wrong_waivers_are_several_findings() {
    let second = FILE.replace("waivers:\n", "").replace("W-1", "W-2");
    let report = waived(&format!("{FILE}{second}").replace("2027-01-31", "2026-01-01"));
    let rule = report.subjects[0].rules.iter().find(|r| r.meta.id.as_str() == "waiver-expired");
    let findings = &rule.unwrap().findings;
    assert_eq!(findings.len(), 2);
    assert_ne!(findings[0].id, findings[1].id);
}

#[test]
fn a_file_that_is_wrong_names_the_waiver_and_the_member() {
    let refused = |from: &str, to: &str| {
        Waivers::default().add("w.yaml", &FILE.replace(from, to)).unwrap_err().to_string()
    };
    assert!(refused("  reason: legacy\n", "").contains("missing field `reason`"));
    assert!(refused("legacy", "' '").contains("waiver `W-1`: `reason` is empty"));
    assert!(refused("2027-01-31", "soon").contains("w.yaml"));
    assert!(refused("ticket", "tickt").contains("unknown field `tickt`"));
    assert!(refused("[c-fail]", "[]").contains("waiver `W-1`: `rules` is empty"));
    let mut waivers = Waivers::default();
    waivers.add("a.yaml", FILE).unwrap();
    let error = waivers.add("b.yaml", FILE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read waivers `b.yaml`: waiver `W-1` stands in `a.yaml` already"
    );
}

#[test]
fn a_wrong_waiver_accepts_nothing_and_is_a_finding() {
    let second = FILE.replace("waivers:\n", "").replace("W-1", "W-2").replace("reason", "raeson");
    let third = FILE.replace("waivers:\n", "").replace("W-1", "W-3").replace("legacy", "''");
    let text = format!("{FILE}{second}{third}");
    let mut waivers = Waivers::default();
    waivers.add_for_report("w.yaml", &text).unwrap();
    let mut report = sample();
    waivers.apply(&mut report.subjects[0]);
    report.sum();
    assert_eq!(faults(&report), ["waiver-invalid"]);
    let rule = report.subjects[0].rules.iter().find(|r| r.meta.id.as_str() == "waiver-invalid");
    let messages: Vec<&str> =
        rule.unwrap().findings.iter().map(|f| f.finding.violations[0].message.as_str()).collect();
    assert!(messages[0].contains("w.yaml: waiver `W-2`: unknown field `raeson`"), "{messages:?}");
    assert_eq!(messages[1], "w.yaml: waiver `W-3`: `reason` is empty");
    assert_eq!(report.summary.waived, 1, "the right one counts");
    assert!(report.fails_at(Severity::Medium));
    // What is no file of waivers is not guessed at.
    assert!(Waivers::default().add_for_report("w.yaml", "waiver: []").is_err());
    assert!(Waivers::default().add(" w.yaml", &text).is_err());
}
