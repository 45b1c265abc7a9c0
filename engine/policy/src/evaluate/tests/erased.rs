//! Resources whose bodies were erased from the store, or that lack what they are joined by.

use tidegate_model::Verdict;

use super::facts::{Memory, complete, time};
use crate::evaluate::{Options, evaluate};
use crate::ruleset::tests::compile;

/// Judges by a rule that passes whatever it is given; gives verdict and reasons.
#[track_caller]
fn judge(custom: &str, put: impl FnOnce(&mut Memory)) -> (Verdict, Vec<String>) {
    let text = format!(
        "# METADATA\n# title: t\n# custom:\n#   id: r-erased\n#   severity: low\n{custom}\
         package r.erased\nimport rego.v1\nviolations := set()\nverdict := \"pass\"\n"
    );
    let set = compile(&[("r.rego", text.as_str())]).unwrap();
    let mut m = Memory::new(vec![
        complete("compute.server", Some("R")),
        complete("network.port", Some("R")),
    ]);
    m.put("compute.server", Some("R"), "1", r#"{"id":"1"}"#);
    put(&mut m);
    let judged = evaluate(&set, &m, &Options::fresh(time(0))).unwrap();
    let outcome = judged.evaluation.rules.values().next().unwrap();
    let reasons = outcome.findings.iter().flat_map(|f| f.cause.iter().map(|c| c.message.clone()));
    (outcome.verdict, reasons.collect())
}

const EACH: &str = "#   input: resource\n#   kinds: [compute.server]\n";
const ALL: &str = "#   input: collection\n#   kinds: [compute.server]\n";
const JOIN: &str = "#   input: resource\n#   kinds: [compute.server]\n#   joins:\n\
                    #     - {name: ports, kind: network.port, key: /id, field: /device_id}\n";

#[test]
fn a_rule_on_an_erased_resource_aborts() {
    for custom in [EACH, ALL, JOIN] {
        assert_eq!(judge(custom, |_| ()).0, Verdict::Pass, "{custom}");
    }
    for custom in [EACH, ALL] {
        let (verdict, reasons) = judge(custom, |m| m.put("compute.server", Some("R"), "2", ""));
        assert_eq!((verdict, reasons.len()), (Verdict::Abort, 1), "{custom}");
        assert!(reasons[0].contains("its body was erased from the store"), "{reasons:?}");
    }
}

#[test]
fn a_join_that_an_erased_resource_may_have_answered_aborts() {
    let port =
        |body: &'static str| move |m: &mut Memory| m.put("network.port", Some("R"), "p", body);
    assert_eq!(judge(JOIN, port(r#"{"device_id":"7"}"#)).0, Verdict::Pass);
    let (verdict, reasons) = judge(JOIN, port(""));
    assert_eq!(verdict, Verdict::Abort);
    assert!(
        reasons[0].contains("network.port") && reasons[0].contains("cannot be read"),
        "{reasons:?}"
    );
}

#[test]
fn a_join_by_a_required_field_that_is_not_there_aborts() {
    let port =
        |body: &'static str| move |m: &mut Memory| m.put("network.port", Some("R"), "p", body);
    let required = format!("{JOIN}#   requires:\n#     network.port: [/device_id]\n");
    for (custom, body, aborts) in [
        (JOIN, "{}", false),
        (&required, "{}", true),
        (&required, r#"{"device_id":null}"#, false),
        (&required, r#"{"device_id":"7"}"#, false),
    ] {
        let (verdict, reasons) = judge(custom, port(body));
        assert_eq!(verdict == Verdict::Abort, aborts, "{custom} {body} {reasons:?}");
        let names = |r: &String| r.contains("`/device_id` of test/network.port/R/p");
        assert_eq!(reasons.iter().any(names), aborts, "{reasons:?}");
    }
}
