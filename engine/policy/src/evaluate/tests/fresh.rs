use tidegate_model::{AbortCode, Facts, Finding, RuleOutcome, Status, Verdict, Visibility};

use super::facts::{Memory, complete, coverage, key, time};
use crate::evaluate::{Judged, Options, evaluate};
use crate::program::Limits;
use crate::ruleset::RuleSet;
use crate::ruleset::tests::{RULE, compile};

fn rule(id: &str, custom: &str, body: &str) -> String {
    let custom: String =
        custom.split(';').map(|l| format!("#   {}\n", l.trim_start_matches('\n'))).collect();
    format!(
        "# METADATA\n# title: t\n# custom:\n#   id: {id}\n#   severity: low\n{custom}package r.{}\n\
         import rego.v1\n{body}\n",
        id.replace('-', "_"),
    )
}

const COUNTED: &str = "verdict := \"pass\" if count(violations) == 0\n\
                       verdict := \"fail\" if count(violations) > 0\n";

fn set(rules: &[String]) -> RuleSet {
    let names: Vec<String> = (0..rules.len()).map(|n| format!("r{n}.rego")).collect();
    let files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(rules.iter().map(String::as_str)).collect();
    compile(&files).unwrap()
}

fn judge(set: &RuleSet, facts: &dyn Facts) -> Judged {
    evaluate(set, facts, &Options::fresh(time(0))).unwrap()
}

fn only(judged: &Judged) -> &RuleOutcome {
    assert_eq!(judged.evaluation.rules.len(), 1);
    judged.evaluation.rules.values().next().unwrap()
}

fn causes(outcome: &RuleOutcome) -> Vec<(AbortCode, &str)> {
    let cause = |f: &Finding| f.cause.as_ref().map(|c| (c.code, c.message.clone()));
    let causes = outcome.findings.iter().filter_map(cause);
    causes.map(|(c, m)| (c, &*m.leak())).collect()
}

fn servers() -> Memory {
    let mut m = Memory::new(vec![complete("compute.server", Some("R"))]);
    m.put("compute.server", Some("R"), "a1", r#"{"name":"a1"}"#);
    m.put("compute.server", Some("R"), "b1", r#"{"name":"b1"}"#);
    m
}

#[test]
fn a_resource_rule_passes_and_fails_with_evidence() {
    let judged = judge(&set(&[RULE.to_owned()]), &servers());
    let outcome = only(&judged);
    assert_eq!((outcome.counts.pass, outcome.counts.fail, outcome.verdict), (1, 1, Verdict::Fail));
    let f = &outcome.findings[0];
    assert_eq!(f.resource, Some(key("compute.server", Some("R"), "b1")));
    assert_eq!((f.region.as_deref(), f.name.as_deref()), (Some("R"), Some("b1")));
    assert_eq!((f.violations[0].path.as_str(), &f.violations[0].found), ("/name", &"b1".into()));
    assert_eq!(judged.evaluation.rule_set, set(&[RULE.to_owned()]).digest());
}

#[test]
fn an_empty_kind_passes_and_an_uncollected_one_aborts() {
    let set = set(&[RULE.to_owned()]);
    let judged = judge(&set, &Memory::new(vec![complete("compute.server", None)]));
    assert_eq!(only(&judged).verdict, Verdict::Pass);
    let judged = judge(&set, &Memory::new(vec![]));
    assert_eq!(
        causes(only(&judged)),
        [(AbortCode::Coverage, "`compute.server`: it was not collected")]
    );
}

#[test]
fn gaps_in_coverage_abort_and_a_fail_found_is_still_a_fail() {
    let set = set(&[RULE.to_owned()]);
    let mut m = servers();
    let forbidden = coverage("compute.server", Some("S"), Status::Forbidden);
    m.cover(vec![complete("compute.server", Some("R")), forbidden]);
    let judged = judge(&set, &m);
    assert_eq!(only(&judged).verdict, Verdict::Fail);
    assert_eq!(only(&judged).findings[0].region.as_deref(), Some("S"));
    assert_eq!(
        causes(only(&judged)),
        [(AbortCode::Coverage, "`compute.server` in region `S`: forbidden")]
    );
    let mut weak = complete("compute.server", Some("R"));
    weak.visibility = Visibility::Public;
    m.cover(vec![weak]);
    let judged = judge(&set, &m);
    let outcome = only(&judged);
    assert_eq!((outcome.counts.pass, outcome.counts.fail, outcome.counts.abort), (1, 1, 1));
    assert_eq!(
        causes(outcome),
        [(
            AbortCode::Visibility,
            "`compute.server` in region `R`: visibility is public, needed is all"
        )]
    );
    m.cover(vec![coverage("compute.server", Some("R"), Status::Absent)]);
    let judged = judge(&set, &m);
    assert_eq!(
        causes(only(&judged)),
        [(AbortCode::Coverage, "`compute.server` in region `R`: it is absent from this cloud")]
    );
}

#[test]
fn an_unseen_resource_and_a_missing_pointer_abort() {
    let rule = RULE.replace(
        "#   kinds: [compute.server]",
        "#   kinds: [compute.server]\n#   requires: {compute.server: [/name]}",
    );
    let mut m = servers();
    m.put("compute.server", Some("R"), "c1", "{}");
    m.see(&key("compute.server", Some("R"), "a1"), false);
    let judged = judge(&set(&[rule]), &m);
    assert_eq!(
        causes(only(&judged)),
        [
            (AbortCode::Unseen, "it was last seen at 2023-11-14T22:13:20Z"),
            (AbortCode::Requires, "`/name` is absent"),
        ]
    );
}

#[test]
fn what_a_rule_must_not_answer_is_an_abort() {
    let check = |body: &str, code, message: &str| {
        let rule = rule("r-1", "input: resource;kinds: [compute.server]", body);
        let judged = judge(&set(&[rule]), &servers());
        assert_eq!(causes(only(&judged))[0], (code, message), "{body}");
    };
    let none = "violations contains {} if false\n";
    check(
        &format!("{none}verdict := \"pass\" if input.resource.body.nope"),
        AbortCode::Undefined,
        "the rule gives no verdict",
    );
    check(
        &format!("{none}verdict := \"pass\" if true\nverdict := \"fail\" if input.resource.key"),
        AbortCode::Undefined,
        "the rule gives no verdict",
    );
    check(
        &format!(
            "{none}verdict := \"abort\"\nreason := sprintf(\"%s is odd\", [input.resource.name])"
        ),
        AbortCode::Rule,
        "a1 is odd",
    );
    check(&format!("{none}verdict := \"abort\""), AbortCode::Rule, "the rule cannot tell");
    check(
        "violations contains {\"message\": \"m\", \"resource\": \"x\"}\nverdict := \"fail\"",
        AbortCode::Error,
        "a violation names `x`, which is not the resource judged",
    );
    let text = "could not parse string as number";
    check(
        &format!("{none}verdict := \"pass\" if to_number(input.resource.name) == 1"),
        AbortCode::Error,
        &format!("`to_number`: {text}"),
    );
    check(
        "violations contains {\"message\": \"m\"} if to_number(input.resource.name) > 1\n\
         verdict := \"pass\" if count(violations) == 0\nverdict := \"fail\" if count(violations) > 0",
        AbortCode::Error,
        &format!("`to_number`: {text}"),
    );
    check(
        "violations contains {\"message\": \"m\"} if [x | x := to_number(input.resource.name)] == [1]\n\
         verdict := \"pass\" if count(violations) == 0\nverdict := \"fail\" if count(violations) > 0",
        AbortCode::Error,
        &format!("{text} (line 10)"),
    );
}

#[test]
fn arithmetic_that_cannot_be_done_is_an_abort() {
    let mut m = Memory::new(vec![complete("a.b", None)]);
    m.put("a.b", None, "1", r#"{"text":"x","zero":0,"half":0.5,"seven":7,"list":["p","q"]}"#);
    let judged = |expression: &str| {
        let body = format!(
            "b := input.resource.body\nviolations contains {{\"message\": \"m\"}} if {expression}\n{COUNTED}"
        );
        judge(&set(&[rule("r-1", "input: resource;kinds: [a.b]", &body)]), &m)
    };
    for broken in
        ["b.text * 2 > 1", "b.seven / b.zero > 1", "b.half % 2 == 0", "b.text - b.seven > 0"]
    {
        assert_eq!(causes(only(&judged(broken)))[0].0, AbortCode::Error, "{broken}");
    }
    for holds in [
        "b.seven * 2 + 1 == 15",
        "b.seven / 2 == 3.5",
        "b.seven % 4 == 3",
        "{\"p\", \"r\"} - {x | some x in b.list} == {\"r\"}",
    ] {
        assert_eq!(only(&judged(holds)).verdict, Verdict::Fail, "{holds}");
    }
    assert_eq!(only(&judged("b.none + 1 > 0")).verdict, Verdict::Pass);
}

/// OPA: `every` over an undefined domain is undefined, over an empty one true.
#[test]
fn every_over_nothing_known_does_not_pass() {
    let body = "violations contains {} if false\n\
                verdict := \"pass\" if {\n every x in input.resource.body.nope { x == 1 }\n}";
    let judged =
        judge(&set(&[rule("r-1", "input: resource;kinds: [compute.server]", body)]), &servers());
    assert_eq!(causes(only(&judged))[0].0, AbortCode::Undefined);
    let cases = "- name: unknown\n  input: {resource: {body: {}}}\n  verdict: abort\n\
                 - name: text\n  input: {resource: {body: {nope: text}}}\n  verdict: abort\n\
                 - name: none\n  input: {resource: {body: {nope: []}}}\n  verdict: pass\n";
    let text = rule("r-1", "input: resource;kinds: [compute.server]", body);
    let set = compile(&[("r.rego", &text), ("cases.yaml", cases)]).unwrap();
    let report = crate::cases::run_cases(&set, Limits::default());
    let got: Vec<_> = report.failures.iter().map(|f| (f.case.as_str(), f.got.as_str())).collect();
    assert_eq!(got, [("", "none")], "only the missing fail case");
}

#[test]
fn joins_are_resolved_in_the_region_by_value() {
    let text = rule(
        "r-join",
        "input: resource;kinds: [compute.server];joins: [{name: ports, kind: network.port, key: /id, field: /device_id}, {name: flavor, kind: compute.flavor, key: /flavor}]",
        &format!(
            "violations contains {{\"message\": sprintf(\"%d ports, flavor %s\", [count(input.joined.ports), id]), \"found\": input.joined}} if some id, _ in input.joined.flavor\n{COUNTED}"
        ),
    );
    let set = set(&[text]);
    let mut m = Memory::new(vec![
        complete("compute.server", Some("R")),
        complete("network.port", Some("R")),
        complete("network.port", Some("S")),
        complete("compute.flavor", Some("R")),
    ]);
    m.put("compute.server", Some("R"), "1", r#"{"id":"1","flavor":"f"}"#);
    m.put("compute.server", Some("R"), "2", r#"{"id":"2"}"#);
    m.put("network.port", Some("R"), "p1", r#"{"device_id":"1"}"#);
    m.put("network.port", Some("R"), "p2", r#"{"device_id":"1"}"#);
    m.put("network.port", Some("S"), "p3", r#"{"device_id":"1"}"#);
    m.put("compute.flavor", Some("R"), "f", r#"{"ram":1}"#);
    let judged = judge(&set, &m);
    let outcome = only(&judged);
    assert_eq!((outcome.counts.pass, outcome.counts.fail), (1, 1));
    let v = &outcome.findings[0].violations[0];
    assert_eq!(v.message, "2 ports, flavor f");
    assert_eq!(
        v.found.to_string(),
        r#"{"flavor":{"f":{"ram":1}},"ports":{"p1":{"device_id":"1"},"p2":{"device_id":"1"}}}"#
    );
    m.see(&key("network.port", Some("R"), "p2"), false);
    let judged = judge(&set, &m);
    let port = "joined test/network.port/R/p2 was last seen at 2023-11-14T22:13:20Z";
    assert_eq!(causes(only(&judged)), [(AbortCode::Join, port)]);
    m.cover(vec![complete("compute.server", Some("R")), complete("network.port", Some("R"))]);
    let judged = judge(&set, &m);
    assert_eq!(
        causes(only(&judged))[1],
        (AbortCode::Join, "`compute.flavor` in region `R`: it was not collected")
    );
}

#[test]
fn rules_on_collections_judge_each_region() {
    let text = rule(
        "r-unique",
        "input: collection;kinds: [compute.server, identity.domain];absent: [identity.domain]",
        &format!(
            "violations contains {{\"message\": \"same name\", \"resource\": s.key}} if {{\n some id, s in input.resources[\"compute.server\"]\n some other, t in input.resources[\"compute.server\"]\n other != id\n s.body.name == t.body.name\n}}\nviolations contains {{\"message\": \"no domain\"}} if {{ count(input.resources[\"identity.domain\"]) == 0; count(input.absent) == 0 }}\n{COUNTED}"
        ),
    );
    let set = set(&[text]);
    let mut m = Memory::new(vec![
        complete("compute.server", Some("R")),
        complete("compute.server", Some("S")),
        complete("identity.domain", None),
    ]);
    m.put("compute.server", Some("R"), "1", r#"{"name":"x"}"#);
    m.put("compute.server", Some("R"), "2", r#"{"name":"x"}"#);
    m.put("compute.server", Some("S"), "3", r#"{"name":"x"}"#);
    let judged = judge(&set, &m);
    let outcome = only(&judged);
    assert_eq!((outcome.counts.pass, outcome.counts.fail), (0, 2));
    let who: Vec<_> = outcome
        .findings
        .iter()
        .map(|f| (f.resource.as_ref().map(|r| r.id()), f.region.clone().unwrap_or_default()))
        .collect();
    let some = |id: &str| Some(id.to_owned().into());
    assert_eq!(
        who,
        [
            (None, "R".to_owned()),
            (None, "S".to_owned()),
            (some("1"), "R".to_owned()),
            (some("2"), "R".to_owned())
        ]
    );
    m.cover(vec![
        complete("compute.server", Some("R")),
        coverage("compute.server", Some("S"), Status::Inconsistent),
        coverage("identity.domain", None, Status::Absent),
    ]);
    m.remove(&key("compute.server", Some("R"), "2"));
    let judged = judge(&set, &m);
    let outcome = only(&judged);
    assert_eq!((outcome.counts.pass, outcome.counts.abort), (1, 1));
    assert_eq!(
        causes(outcome),
        [(
            AbortCode::Coverage,
            "`compute.server` in region `S`: inconsistent: paging had to restart"
        )]
    );
    m.see(&key("compute.server", Some("R"), "1"), false);
    let judged = judge(&set, &m);
    assert_eq!(causes(only(&judged))[0].0, AbortCode::Unseen);
}

#[test]
fn running_out_of_instructions_or_time_is_an_abort() {
    let text = rule(
        "r-loop",
        "input: resource;kinds: [compute.server]",
        "violations contains {} if false\nverdict := \"pass\" if {\n all := numbers.range(1, 3000)\n some x in all\n some y in all\n x * y == 0\n}",
    );
    let set = set(&[text]);
    assert_eq!(set.interpreted(), 0);
    let mut options = Options::fresh(time(0));
    options.limits.instructions = 10_000;
    let judged = evaluate(&set, &servers(), &options).unwrap();
    assert_eq!(
        causes(only(&judged))[0],
        (AbortCode::Limit, "it took more than 10000 instructions")
    );
    options.limits = Limits { time: std::time::Duration::from_millis(5), ..Limits::default() };
    let judged = evaluate(&set, &servers(), &options).unwrap();
    assert_eq!(causes(only(&judged))[0], (AbortCode::Limit, "it ran longer than 5 ms"));
}

#[test]
fn running_out_of_time_on_the_interpreter_is_an_abort() {
    let text = rule(
        "r-loop",
        "input: resource;kinds: [compute.server]",
        "violations contains {} if false\nverdict := \"pass\" if {\n count({z | some x in numbers.range(1, 3000)\n some y in numbers.range(1, 3000)\n z := x * y}) > 0\n}",
    );
    let set = set(&[text]);
    assert_eq!(set.interpreted(), 1);
    let mut options = Options::fresh(time(0));
    options.limits = Limits { time: std::time::Duration::from_millis(5), ..Limits::default() };
    let judged = evaluate(&set, &servers(), &options).unwrap();
    assert_eq!(causes(only(&judged))[0], (AbortCode::Limit, "it ran longer than 5 ms"));
}

#[test]
fn only_the_rules_chosen_are_judged() {
    let other = RULE.replace("r-name", "r-other").replace("package r.name", "package r.other");
    let set = set(&[RULE.to_owned(), other]);
    let mut options = Options::fresh(time(0));
    options.only = Some(["r-other".parse().unwrap()].into());
    let judged = evaluate(&set, &servers(), &options).unwrap();
    assert_eq!(judged.evaluation.rules.keys().map(|k| k.as_str()).collect::<Vec<_>>(), ["r-other"]);
}

#[test]
fn rules_the_rvm_cannot_compile_run_on_the_interpreter() {
    let text = rule(
        "r-with",
        "input: resource;kinds: [compute.server]",
        "x := input.x\nviolations contains {} if false\nverdict := \"pass\" if x == 1 with input as {\"x\": 1}",
    );
    let set = set(&[text, RULE.to_owned()]);
    assert_eq!(set.interpreted(), 1);
    let judged = judge(&set, &servers());
    let verdicts: Vec<Verdict> = judged.evaluation.rules.values().map(|o| o.verdict).collect();
    assert_eq!(verdicts, [Verdict::Fail, Verdict::Pass]);
}
