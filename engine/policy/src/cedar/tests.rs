//! Gate policies: what is refused when they are loaded, and what they answer.

use serde_json::{Value as Json, json};

use super::{Decision, Question};
use crate::ruleset::RuleSet;
use crate::ruleset::tests::compile;

const SCHEMA: &str = r#"
entity Role;
entity Person in [Role] { name: String, deputy?: Person };
entity Zone enum ["a", "b"];
entity Wave { risk: Long, zone: Zone, owner: Person };
action startWave appliesTo {
  principal: [Person], resource: [Wave],
  context: { checked: Bool, at: datetime, approver?: Person },
};
"#;

const POLICIES: &str = r#"@id("operators-start")
@advice("ask an operator")
permit(principal in Role::"operator", action == Action::"startWave", resource)
when { context.checked };

@id("no-risk")
forbid(principal, action, resource) when { resource.risk * 4611686018427387904 > 0 };
"#;

fn set(policies: &str) -> RuleSet {
    compile(&[("gate.cedar", policies), ("gate.cedarschema", SCHEMA)]).unwrap()
}

fn person(id: &str, roles: &[&str]) -> Json {
    let parents: Vec<Json> = roles.iter().map(|r| json!({"type": "Role", "id": r})).collect();
    json!({"uid": {"type": "Person", "id": id}, "attrs": {"name": id}, "parents": parents})
}

fn entities() -> Json {
    json!([
        {"uid": {"type": "Role", "id": "operator"}, "attrs": {}, "parents": []},
        person("alice", &["operator"]),
        person("bob", &[]),
        {"uid": {"type": "Wave", "id": "1"}, "parents": [], "attrs": {
            "risk": 0, "zone": {"type": "Zone", "id": "a"}, "owner": {"type": "Person", "id": "bob"},
        }},
    ])
}

fn ask(policies: &str, principal: &str, change: impl Fn(&mut Json, &mut Json)) -> Decision {
    let mut entities = entities();
    let mut context = json!({"checked": true, "at": "2026-11-28T10:00:00Z"});
    change(&mut entities, &mut context);
    let set = set(policies);
    let principal = format!("Person::\"{principal}\"");
    set.authorizer().unwrap().ask(&Question {
        principal: &principal,
        action: "Action::\"startWave\"",
        resource: "Wave::\"1\"",
        context: &context,
        entities: &entities,
    })
}

#[track_caller]
fn errs(decision: Decision, expected: &str) {
    match decision {
        Decision::Error { errors } => {
            assert!(errors.iter().any(|e| e.contains(expected)), "{errors:#?}");
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(files: &[(&str, &str)], expected: &str) {
    assert_eq!(compile(files).unwrap_err().to_string(), expected);
}

#[test]
fn an_error_is_never_an_allow() {
    errs(
        ask(POLICIES, "alice", |e, _| e[3]["attrs"]["risk"] = json!(2)),
        "error while evaluating policy `no-risk`",
    );
    let missing =
        |e: &mut Json, _: &mut Json| drop(e[3]["attrs"].as_object_mut().unwrap().remove("risk"));
    errs(ask(POLICIES, "alice", missing), "expected entity `Wave::\"1\"` to have attribute `risk`");
    let unknown = |e: &mut Json, _: &mut Json| e[3]["attrs"]["colour"] = json!("red");
    errs(ask(POLICIES, "alice", unknown), "attribute `colour`");
    let wrong = |e: &mut Json, _: &mut Json| e[3]["attrs"]["risk"] = json!("low");
    errs(ask(POLICIES, "alice", wrong), "type mismatch");
    errs(ask(POLICIES, "alice", |_, c| c["hurry"] = json!(true)), "hurry");
    errs(ask(POLICIES, "alice", |_, c| c["checked"] = json!("yes")), "request: context");
    errs(ask(POLICIES, "alice", |_, c| *c = json!({})), "context: ");
    errs(ask(POLICIES, "alice", |e, _| *e = json!({})), "entities: ");
}

#[test]
fn what_is_named_must_be_there() {
    errs(ask(POLICIES, "carol", |_, _| ()), "principal Person::\"carol\" is not there");
    let gone =
        |at: usize| move |e: &mut Json, _: &mut Json| drop(e.as_array_mut().unwrap().remove(at));
    errs(ask(POLICIES, "alice", gone(3)), "resource Wave::\"1\" is not there");
    errs(ask(POLICIES, "alice", gone(2)), "Wave::\"1\" names Person::\"bob\", which is not there");
    let decision = ask(POLICIES, "alice", gone(0));
    errs(decision.clone(), "Person::\"alice\" is in Role::\"operator\", which is not there");
    errs(decision, "policy `operators-start` names Role::\"operator\", which is not there");
    let by = |_: &mut Json, c: &mut Json| c["approver"] = json!({"type": "Person", "id": "eve"});
    errs(ask(POLICIES, "alice", by), "the context names Person::\"eve\", which is not there");
    let zone = |e: &mut Json, _: &mut Json| e[3]["attrs"]["zone"]["id"] = json!("c");
    errs(ask(POLICIES, "alice", zone), "Zone");
}

#[test]
fn a_question_that_does_not_fit_the_schema_is_an_error() {
    let set = set(POLICIES);
    let entities = entities();
    let context = json!({"checked": true, "at": "2026-11-28T10:00:00Z"});
    let good = Question {
        principal: "Person::\"alice\"",
        action: "Action::\"startWave\"",
        resource: "Wave::\"1\"",
        context: &context,
        entities: &entities,
    };
    let ask = |q: Question<'_>| set.authorizer().unwrap().ask(&q);
    assert!(ask(good).is_allow());
    errs(ask(Question { principal: "alice", ..good }), "principal `alice` is not written like");
    errs(ask(Question { action: "Action::\"stop\"", ..good }), "Action::\"stop\"");
    errs(ask(Question { resource: "Person::\"bob\"", ..good }), "request: ");
}

#[test]
fn names_what_decided() {
    let Decision::Allow { by } = ask(POLICIES, "alice", |_, _| ()) else { panic!() };
    let [only] = by.as_slice() else { panic!("{by:?}") };
    assert_eq!((only.id.as_str(), only.effect.as_str()), ("operators-start", "permit"));
    assert_eq!(only.annotations["advice"], "ask an operator");
    assert_eq!((only.file.as_str(), only.line), ("gate.cedar", 1));
    assert_eq!(ask(POLICIES, "bob", |_, _| ()), Decision::Deny { by: Vec::new() });
    assert_eq!(
        ask(POLICIES, "alice", |_, c| c["checked"] = json!(false)),
        Decision::Deny { by: Vec::new() }
    );
    let Decision::Deny { by } = ask(POLICIES, "alice", |e, _| e[3]["attrs"]["risk"] = json!(1))
    else {
        panic!()
    };
    assert_eq!(by.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["no-risk"]);
}

#[test]
fn policies_are_held_against_the_schema_when_they_are_loaded() {
    let with = |text: &'static str| [("g/gate.cedar", text), ("gate.cedarschema", SCHEMA)];
    refused(
        &with("@id(\"a\")\nforbid(principal, action, resource)\nwhen { resource.colour == 1 };"),
        "bundle `b`: g/gate.cedar:3: for policy `a`, attribute `colour` on entity type `Wave` not found",
    );
    refused(
        &with("@id(\"a\")\nforbid(principal, action,\n resource is Volume);"),
        "bundle `b`: g/gate.cedar:3: for policy `a`, unrecognized entity type `Volume` (and 2 more)",
    );
    refused(
        &with("@id(\"a\")\nforbid(principal, action, resource)\nwhen {"),
        "bundle `b`: g/gate.cedar:3: unexpected end of input",
    );
    refused(
        &with("@id(\"a\")\nforbid(principal, action, resource) when { false };"),
        "bundle `b`: g/gate.cedar:1: for policy `a`, policy is impossible: the policy expression evaluates to false for all valid requests",
    );
    refused(
        &with("forbid(principal, action, resource);"),
        "bundle `b`: g/gate.cedar:1: a gate policy must have an `@id`",
    );
    refused(
        &with("@id(\"a\")\nforbid(principal == ?principal, action, resource);"),
        "bundle `b`: g/gate.cedar:1: a template has slots that nobody fills; write a policy",
    );
    refused(
        &with(
            "@id(\"a\")\nforbid(principal, action, resource);\n@id(\"a\")\nforbid(principal, action, resource);",
        ),
        "bundle `b`: g/gate.cedar:3: policy `a` stands at g/gate.cedar:1 too",
    );
    refused(
        &[("gate.cedar", POLICIES)],
        "bundle `b`: gate.cedar: there is no schema to hold it against",
    );
    refused(
        &[("a.cedarschema", SCHEMA), ("b.cedarschema", SCHEMA)],
        "bundle `b`: b.cedarschema: a bundle has one Cedar schema, and this is the second",
    );
    refused(
        &[("gate.cedarschema", "entity A;\nentity B { x: C };")],
        "bundle `b`: gate.cedarschema:2: failed to resolve type: C",
    );
}

#[test]
fn a_gate_policy_does_not_permit_everything() {
    let with = |text: &'static str| [("gate.cedar", text), ("gate.cedarschema", SCHEMA)];
    let expected = "bundle `b`: gate.cedar:1: a gate policy must not permit anybody anything";
    for blanket in [
        "@id(\"a\") permit(principal, action, resource);",
        "@id(\"a\") permit(principal, action == Action::\"startWave\", resource);",
        "@id(\"a\") permit(principal, action, resource) when { true };",
        "@id(\"a\") permit(principal, action, resource) unless { false };",
    ] {
        refused(&with(blanket), expected);
    }
}

#[test]
fn the_digest_changes_with_policies_and_schema() {
    let digest = |policies: &str, schema: &str| {
        compile(&[("gate.cedar", policies), ("gate.cedarschema", schema)]).unwrap().digest()
    };
    let base = digest(POLICIES, SCHEMA);
    assert_eq!(base, digest(POLICIES, SCHEMA));
    assert_ne!(base, digest(&POLICIES.replace("> 0", "> 1"), SCHEMA));
    assert_ne!(base, digest(POLICIES, &format!("{SCHEMA}entity Other;\n")));
}

#[test]
fn gate_policies_have_cases() {
    let entities = entities().to_string();
    let cases = format!(
        r#"
gate:
- name: an operator starts a checked wave
  ask:
    principal: Person::"alice"
    action: Action::"startWave"
    resource: Wave::"1"
    context: {{checked: true, at: 2026-11-28T10:00:00Z}}
    entities: {entities}
  decision: allow
  by: [operators-start]
- name: nobody starts one that was not
  base: an operator starts a checked wave
  patch: {{context: {{checked: false}}}}
  decision: deny
  by: []
"#
    );
    let more = r#"- name: the operator is gone
  base: an operator starts a checked wave
  patch: [{op: remove, path: /entities/1}]
  decision: error
  reason: is not there
"#;
    let run = |cases: &str| {
        let files = [("gate.cedar", POLICIES), ("gate.cedarschema", SCHEMA), ("cases.yaml", cases)];
        crate::run_cases(&compile(&files).unwrap(), crate::Limits::default())
    };
    let report = run(&format!("{cases}{more}"));
    assert_eq!((report.passed, &report.failures), (3, &Vec::new()));
    let wrong = run(&cases.replace("decision: deny", "decision: allow"));
    let got: Vec<&str> = wrong.failures.iter().map(|f| f.got.as_str()).collect();
    assert_eq!(got, ["deny by no policy", "none", "none"]);
}
