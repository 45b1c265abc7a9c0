use super::*;
use crate::ruleset::tests::{RULE, compile};

fn run(files: &[(&str, &str)]) -> CaseReport {
    run_cases(&compile(files).unwrap(), Limits::default())
}

const GOOD: &str = "
- name: good
  input: {resource: {name: ab, body: {name: ab}}}
  verdict: pass
- name: bad
  base: good
  patch: {resource: {name: b, body: {name: b}}}
  verdict: fail
  violations: [{message: bad name, found: b}]
";

#[test]
fn cases_pass_on_both_engines() {
    let report = run(&[("x/r.rego", RULE), ("x/cases.yaml", GOOD)]);
    assert_eq!((report.passed, report.failed, report.failures.len()), (2, 0, 0));
}

#[test]
fn lines_that_no_case_reaches_are_named() {
    let rule =
        format!("{RULE}verdict := \"abort\" if {{\n\tinput.resource.name == \"z\"\n\ttrue\n}}\n");
    let coverage = |cases| {
        let report = run(&[("x/r.rego", &rule), ("x/cases.yaml", cases)]);
        report.coverage.into_iter().next().unwrap()
    };
    let before = coverage(GOOD);
    assert_eq!((before.cases, before.not_covered.as_slice()), (2, [16, 18].as_slice()));
    let z = "- {name: z, input: {resource: {name: z, body: {name: z}}}, verdict: abort}\n";
    let after = coverage(&format!("{GOOD}{z}"));
    assert_eq!((after.cases, after.not_covered.len()), (3, 0));
    assert_eq!(after.covered, before.covered + 2);
}

#[test]
fn a_wrong_case_says_expected_and_got() {
    let report = run(&[
        ("x/r.rego", RULE),
        (
            "x/r.cases.yaml",
            &GOOD.replace("verdict: pass", "verdict: abort").replace("found: b", "found: c"),
        ),
    ]);
    assert_eq!((report.passed, report.failed), (0, 2));
    let f = &report.failures[0];
    assert_eq!((f.case.as_str(), f.expected.as_str(), f.got.as_str()), ("good", "abort", "pass"));
    let f = &report.failures[1];
    assert_eq!(
        f.got,
        r#"fail with {"message":"bad name","path":"/name","found":"b","wanted":"a*"}"#
    );
}

#[test]
fn a_rule_needs_a_pass_and_a_fail() {
    let report = run(&[("x/r.rego", RULE)]);
    assert_eq!(report.failed, 2);
    assert_eq!(report.failures[1].expected, "at least one case with verdict fail");
}

#[test]
fn each_required_pointer_is_taken_away() {
    let rule = RULE.replace(
        "#   kinds: [compute.server]",
        "#   kinds: [compute.server]\n#   requires: {compute.server: [/name, /a/b]}",
    );
    let report = run(&[
        ("x/r.rego", &rule),
        ("x/cases.yaml", &GOOD.replace("{name: ab}", "{name: ab, a: {b: null}}")),
    ]);
    assert_eq!((report.passed, report.failed), (4, 0), "{report:?}");
    let report = run(&[("x/r.rego", &rule), ("x/cases.yaml", GOOD)]);
    assert!(report.failures.iter().any(|f| f.got == "abort because `/a/b` is absent"));
}

#[test]
fn mistakes_in_cases_are_failures() {
    let got = |cases: &str| {
        let report = run(&[("x/r.rego", RULE), ("x/cases.yaml", cases)]);
        report.failures[0].got.clone()
    };
    assert_eq!(
        got("- name: a\n  input: {resources: {}}\n  verdict: pass"),
        "`resources` is not part of the input of this rule"
    );
    assert_eq!(got("- name: a\n  base: z\n  verdict: pass"), "there is no case `z` before it");
    assert_eq!(got("- name: a\n  rule: z\n  input: {}\n  verdict: pass"), "there is no rule `z`");
    assert_eq!(
        got("- name: a\n  input: {}\n  now: x\n  verdict: pass"),
        "the rule does not declare `time`"
    );
    assert!(got("- name: a\n  imput: {}\n  verdict: pass").contains("unknown field `imput`"));
    assert!(got("- {").contains("line"));
}

#[test]
fn rego_tests_run_with_their_input() {
    let test = "package r.name_test\nimport rego.v1\nimport data.r.name\n\
        p := {\"prefix\": \"a\"}\n\
        test_good if { name.verdict == \"pass\" with input as {\"resource\": {\"name\": \"ab\"}, \"parameters\": p} }\n\
        test_wrong if { name.verdict == \"fail\" with input as {\"resource\": {\"name\": \"ab\"}, \"parameters\": p} }\n\
        todo_test_x if { false }\n";
    let report = run(&[("x/r.rego", RULE), ("x/r_test.rego", test), ("x/cases.yaml", GOOD)]);
    assert_eq!((report.passed, report.failed), (3, 1), "{report:?}");
    assert_eq!(report.failures[0].case, "test_wrong");
}
