use crate::cases::{on_both, run_cases};
use crate::program::{Limits, Runner};
use crate::ruleset::tests::compile;

/// A rule that passes if `body` holds, and fails if `input.resource.body.bad`.
fn rule(body: &str, more: &str) -> String {
    format!(
        r#"# METADATA
# title: t
# custom:
#   id: r-one
#   severity: low
#   input: resource
#   kinds: [a.server]
package r.one
import rego.v1
violations contains {{"message": "bad"}} if input.resource.body.bad == true
verdict := "fail" if count(violations) > 0
verdict := "pass" if {{
    count(violations) == 0
    {body}
}}
{more}
"#
    )
}

/// The body of an input, and the verdict on it.
type Shown<'s> = (&'s str, &'s str);

/// Each must get its verdict, on both engines where both may judge.
#[track_caller]
fn judged(files: &[(&str, &str)], shown: &[Shown<'_>], interpreted: usize) {
    let mut cases =
        String::from("- {name: bad, input: {resource: {body: {bad: true}}}, verdict: fail}\n");
    for (n, (body, verdict)) in shown.iter().enumerate() {
        cases += &format!(
            "- {{name: n{n}, input: {{resource: {{body: {body}}}}}, verdict: {verdict}}}\n"
        );
    }
    let mut files = files.to_vec();
    files.push(("cases.yaml", &cases));
    let set = compile(&files).unwrap();
    let report = run_cases(&set, Limits::default());
    assert!(report.failed == 0, "{files:#?} {:#?}", report.failures);
    assert_eq!(set.interpreted(), interpreted, "{files:#?}");
}

#[track_caller]
fn one(body: &str, more: &str, shown: &[Shown<'_>], interpreted: usize) {
    judged(&[("r.rego", &rule(body, more))], shown, interpreted);
}

const GOOD_BOTH: &[Shown<'_>] =
    &[("{list: {a: x, b: x}}", "pass"), ("{list: {a: x, b: z}}", "abort"), ("{}", "abort")];

#[test]
fn a_comprehension_keeps_no_entry_without_value() {
    let f = "f(x) := 1 if x == \"x\"";
    let list = "list := input.resource.body.list";
    let all = "count(known) == count(list)";
    one(&format!("{list}; known := {{k: f(v) | some k, v in list}}; {all}"), f, GOOD_BOTH, 1);
    one(&format!("{list}; known := [f(v) | some v in list]; {all}"), f, GOOD_BOTH, 1);
    one(&format!("{list}; known := [y | some v in list; y := f(v)]; {all}"), f, GOOD_BOTH, 1);
    one(&format!("{list}; known := {{k | some k, v in list; y := f(v)}}; {all}"), f, GOOD_BOTH, 1);
}

#[test]
fn a_name_for_a_part_of_the_input_is_that_part_and_no_other_of_that_name() {
    let b = "b := input.resource.body";
    let shown = &[("{n: 1}", "pass"), ("{n: 2}", "abort"), ("{}", "abort")];
    one("b.n == 1", b, shown, 0);
    one("b[\"n\"] == 1", b, shown, 0);
    one("m := b.n; m == 1", b, shown, 0);
    one("f(b)", &format!("{b}\nf(x) if x.n == 1"), shown, 0);
    one("f({\"n\": 1})", &format!("{b}\nf(b) if b.n == 1"), &[("{n: 2}", "pass")], 0);
    one("c.n == 1", &format!("{b}\nc := b"), shown, 0);
    let lists = &[("{list: [1]}", "pass"), ("{list: [2]}", "abort"), ("{list: 5}", "abort")];
    one("some x in b.list; x == 1", b, lists, 0);
    let two = "b := input.resource.body if input.resource.body.n == 1\n\
               b := input.resource.body if input.resource.body.n == 2";
    one("b.n == 1", two, shown, 1);
}

#[test]
fn an_assignment_of_what_is_undefined_does_not_hold() {
    let shown = &[("{n: 1}", "pass"), ("{n: 0}", "pass"), ("{n: false}", "pass"), ("{}", "abort")];
    one("n := input.resource.body.n", "", shown, 0);
    one("n := ((input.resource.body.n))", "", shown, 0);
    one("n := (\n input.resource.body.n\n ) # not) [m]", "", shown, 0);
    one("n := [input.resource.body.n]", "", shown, 0);
    one("n := input.resource.body.n == 1", "", shown, 0);
    one("n := f(1); m := n", "f(x) := input.resource.body.n if x == 1", shown, 0);
    one("f(input.resource.body)", "f(x) if { n := x.n }", shown, 0);
    one("n := input.resource.body.n; not n == 7", "", shown, 0);
}

#[test]
fn an_assignment_without_braces_is_judged_too() {
    let shown = &[("{n: 1}", "pass"), ("{}", "abort")];
    one("f", "f if n := input.resource.body.n", shown, 1);
}

#[test]
fn else_is_tried_after_any_body_that_fails() {
    let shown = &[("{x: 1}", "pass"), ("{x: 2}", "fail"), ("{}", "abort")];
    let more = |body: &str| {
        format!(
            "violations contains {{\"message\": \"x\"}} if f(input.resource.body.x) == 2\nf(x) := 1 if {{\n {body}\n}} else := 2"
        )
    };
    one("f(input.resource.body.x) == 1", &more("some y in [1, 3]\n y == x"), shown, 1);
    one("f(input.resource.body.x) == 1", &more("y := {1: 1}[x]\n y == 1"), shown, 1);
}

#[test]
fn two_values_are_never_a_pass() {
    let shown = &[("{n: 1}", "pass"), ("{n: 3}", "abort")];
    let undefined = "not two == 2";
    one(
        undefined,
        "two := 1 if input.resource.body.n > 0\ntwo := 3 if input.resource.body.n > 2",
        shown,
        1,
    );
    one(
        "x := f(1); x != 2",
        "f(_) := 1 if input.resource.body.n > 0\nf(_) := 3 if input.resource.body.n > 2",
        shown,
        1,
    );
    let looped = &[("{l: [1, 1]}", "pass"), ("{l: [1, 3]}", "abort")];
    one(undefined, "two := x if some x in input.resource.body.l", looped, 1);
    one("x := f(1); x != 2", "f(_) := x if { some x in input.resource.body.l }", looped, 1);
    let object =
        "o[\"k\"] := 1 if input.resource.body.n > 0\no[\"k\"] := 3 if input.resource.body.n > 2";
    one("not o.k == 2", object, shown, 1);
    // One constant for all is one value.
    one(
        "ok",
        "ok if input.resource.body.n > 0\nok := true if input.resource.body.n == 0",
        &[("{n: 0}", "pass"), ("{n: -1}", "abort")],
        0,
    );
    // The verdict itself, which may have several.
    one("input.resource.body.n > 0", "verdict := \"abort\" if input.resource.body.n > 2", shown, 0);
}

#[test]
fn a_loop_over_what_is_no_collection_is_an_error() {
    let more =
        "violations contains {\"message\": \"x\"} if { some x in input.resource.body.l; x == 1 }";
    let shown = &[
        ("{l: []}", "pass"),
        ("{l: [2]}", "pass"),
        ("{l: {a: 1}}", "fail"),
        ("{}", "pass"),
        ("{l: 1}", "abort"),
        ("{l: x}", "abort"),
        ("{l: null}", "abort"),
        ("{l: true}", "abort"),
    ];
    one("true", more, shown, 0);
    one("true", &more.replace("input.resource.body.l", "(((input.resource.body.l)))"), shown, 0);
    one(
        "true",
        &more.replace(
            "some x in input.resource.body.l",
            "l := input.resource.body.l; some k, x in l; k != 7",
        ),
        shown,
        0,
    );
}

#[test]
fn the_value_of_in_is_that_of_defined_sides() {
    let more = "violations contains {\"message\": \"x\"} if { n := input.resource.body.n; (n in {1, 2}) == false }";
    one(
        "input.resource.body.n in {1}",
        more,
        &[("{n: 1}", "pass"), ("{n: 2}", "abort"), ("{n: 3}", "fail"), ("{}", "abort")],
        1,
    );
    one(
        "input.resource.body.n in {1}",
        "",
        &[("{n: 1}", "pass"), ("{n: 2}", "abort"), ("{}", "abort")],
        0,
    );
}

#[test]
fn libraries_count_as_far_as_they_are_reached() {
    let using = rule("a.ok(input.resource.body.n)", "")
        .replace("import rego.v1", "import rego.v1\nimport data.lib.a");
    let shown = &[("{n: 1}", "pass"), ("{n: 2}", "abort"), ("{}", "abort")];
    let a = "package lib.a\nimport rego.v1\nok(n) if { m := n; data.lib.b.same(m, 1) }";
    let plain = "package lib.b\nimport rego.v1\nsame(x, y) if x == y";
    let risky = "package lib.b\nimport rego.v1\nsame(x, y) if count([1 | x == y]) == 1";
    let other = ("c.rego", "package lib.c\nimport rego.v1\nf(x) := 1 if x == 1 else := 2");
    judged(&[("r.rego", &using), ("a.rego", a), ("b.rego", plain), other], shown, 0);
    judged(&[("r.rego", &using), ("a.rego", a), ("b.rego", risky), other], shown, 1);
    let any = rule("x := \"b\"; data.lib[x].p == input.resource.body.n", "");
    judged(&[("r.rego", &any), ("b.rego", "package lib.b\np := 1")], shown, 1);
    let known = rule("data.known[input.resource.body.n] == 1", "");
    let known = known
        .replace("input.resource.body.n]", "n]")
        .replace("data.known[", "n := input.resource.body.n; data.known[");
    judged(
        &[("r.rego", &known), ("data.json", "{\"known\": {\"x\": 1}}")],
        &[("{n: x}", "pass"), ("{n: y}", "abort"), ("{}", "abort")],
        0,
    );
}

/// Rules in the manner of those for SCS, all judged by the RVM.
const LIKE_SCS: &str = r#"
body := input.resource.body
fields := ["name", "vcpus", "extra_specs"]
wanted := {"shared-core", "dedicated-core"}
named(flavor) if startswith(flavor.name, "SCS-")
cores(flavor) := n if {
    parts := regex.find_n(`[0-9]+`, flavor.name, 1)
    n := to_number(parts[0])
}
violations contains {"message": sprintf("no %s", [f]), "path": concat("/", ["", f])} if {
    some f in fields
    object.get(body, f, null) == null
}
violations contains {"message": "name", "found": name} if {
    name := body.name
    not startswith(name, "SCS-")
}
violations contains {"message": "cpus", "found": body.vcpus, "wanted": n} if {
    named(body)
    n := cores(body)
    n != body.vcpus
}
violations contains {"message": "type", "found": kind, "wanted": wanted} if {
    specs := body.extra_specs
    kind := specs["scs:cpu-type"]
    not kind in wanted
}
violations contains {"message": "disk", "found": size} if {
    some disk in body.disks
    size := disk.size
    size * 2 < 20
    not disk.type == "none"
}
violations contains {"message": "tag", "found": tag, "path": key} if {
    some key, tag in body.tags
    count(tag) > 3
    tag in {"abcde", key}
}
"#;

fn scs_like() -> (crate::RuleSet, serde_json::Value) {
    let head = rule("", "");
    let (head, _) = head.split_once("violations contains").unwrap();
    let two = "verdict := \"pass\" if count(violations) == 0\nverdict := \"fail\" if count(violations) > 0\n";
    // What says little about absent things: a pass needs everything to be there.
    let strict = format!(
        "{}verdict := \"fail\" if {{ b := input.resource.body; c := cores(b); c != b.vcpus }}\n\
         verdict := \"pass\" if {{ b := input.resource.body; c := cores(b); specs := b.extra_specs; disks := b.disks; \
         t := specs[\"scs:cpu-type\"]; not t == \"x\"; c == b.vcpus; count(disks) > 0 }}\n\
         cores(flavor) := n if {{ parts := regex.find_n(`[0-9]+`, flavor.name, 1); n := to_number(parts[0]) }}\n\
         violations contains {{\"message\": \"m\"}} if verdict == \"fail\"\n",
        head.replace("r-one", "r-two").replace("r.one", "r.two")
    );
    let set =
        compile(&[("one.rego", &format!("{head}{LIKE_SCS}{two}")), ("two.rego", &strict)]).unwrap();
    let input = serde_json::json!({"resource": {
        "key": "k", "kind": "a.server", "region": null, "project": null, "name": "n",
        "body": {
            "name": "SCS-4V-16", "vcpus": 4, "extra_specs": {"scs:cpu-type": "shared-core"},
            "disks": [{"size": 20, "type": "ssd"}, {"size": 100, "type": "none"}],
            "tags": {"a": "x", "b": "abc"},
        },
    }, "joined": {}, "parameters": {}});
    (set, input)
}

/// Pointers to everything in a value, outermost first.
fn places(value: &serde_json::Value, at: &str, out: &mut Vec<String>) {
    let mut below = |key: &str, v| {
        let at = format!("{at}/{key}");
        out.push(at.clone());
        places(v, &at, out);
    };
    match value {
        serde_json::Value::Object(all) => all.iter().for_each(|(k, v)| below(k, v)),
        serde_json::Value::Array(all) => {
            all.iter().enumerate().for_each(|(n, v)| below(&n.to_string(), v));
        }
        _ => {}
    }
}

/// Drops, replaces or retypes one member.
fn mutate(input: &mut serde_json::Value, place: usize, change: usize) {
    use serde_json::json;
    let Some(body) = input.pointer_mut("/resource/body") else { return };
    let mut all = Vec::new();
    places(body, "", &mut all);
    let Some(at) = all.get(place % all.len().max(1)) else { return };
    let (parent, key) = at.rsplit_once('/').unwrap();
    let values = [
        json!(null),
        json!(false),
        json!(true),
        json!(0),
        json!(4),
        json!(-1.5),
        json!(""),
        json!("SCS-8V-16"),
        json!("m1"),
        json!("abcde"),
        json!([]),
        json!({}),
        json!([1, null]),
        json!([{"size": 1}]),
        json!({"size": 3, "b": "b"}),
        json!({"scs:cpu-type": "crowded"}),
    ];
    match body.pointer_mut(parent) {
        Some(serde_json::Value::Object(members)) => match values.get(change) {
            Some(value) => drop(members.insert(key.to_owned(), value.clone())),
            None => drop(members.remove(key)),
        },
        Some(serde_json::Value::Array(items)) => {
            let n: usize = key.parse().unwrap();
            match values.get(change) {
                Some(value) => items[n] = value.clone(),
                None => drop(items.remove(n)),
            }
        }
        _ => {}
    }
}

/// What is judged in production is what the interpreter says, whatever the
/// input looks like.
#[test]
fn damaged_inputs_are_judged_alike_on_both_engines() {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let (set, input) = scs_like();
    assert_eq!(set.interpreted(), 0);
    let runner = std::cell::RefCell::new(Runner::new(&set.machine, Limits::default()));
    for rule in set.definitions() {
        let good = on_both(&mut runner.borrow_mut(), &set, rule, &input).unwrap();
        assert_eq!(good.verdict, tidegate_model::Verdict::Pass, "{:?}", good.cause);
    }
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let changes = prop::collection::vec((0..64_usize, 0..20_usize), 1..6);
    let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
    TestRunner::new_with_rng(config, rng)
        .run(&changes, |changes| {
            let mut input = input.clone();
            changes.iter().for_each(|(place, change)| mutate(&mut input, *place, *change));
            for rule in set.definitions() {
                match on_both(&mut runner.borrow_mut(), &set, rule, &input) {
                    Ok(answer) => drop(seen.borrow_mut().insert(answer.verdict.to_string())),
                    Err(text) => prop_assert!(false, "{}: {text}: {input}", rule.meta.id),
                }
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(seen.borrow().len(), 3, "{seen:?}");
}

/// A cloud has by far the most of these; the interpreter takes twice as long.
#[test]
fn shipped_rules_on_what_there_is_most_of_run_on_the_rvm() {
    let most = ["compute.server", "network.port", "block-storage.volume", "openstack.exposure"];
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/openstack-security");
    let bundles = vec![crate::Bundle::from_path(&folder).unwrap()];
    let read = |m| crate::metadata::read("openstack-security", m).unwrap();
    let rules: Vec<_> =
        bundles[0].modules.iter().filter(|m| !m.is_test()).filter_map(read).collect();
    let given = super::choose(&bundles, &rules);
    let slow: Vec<&str> = rules
        .iter()
        .filter(|r| !given.packages.contains(&r.package))
        .filter(|r| r.meta.kinds.iter().any(|k| most.contains(&k.as_str())))
        .map(|r| r.meta.id.as_str())
        .collect();
    assert_eq!(slow, Vec::<&str>::new());
}
