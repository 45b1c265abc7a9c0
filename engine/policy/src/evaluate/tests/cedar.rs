//! Audit policies in Cedar are judged, carried and tested like rules in Rego.

use proptest::prelude::*;
use tidegate_model::{AbortCode, KindCoverage, RuleOutcome, Status, Verdict, Visibility};

use super::facts::{Memory, complete, coverage, key, time};
use crate::evaluate::{Judged, Options, evaluate};
use crate::ruleset::RuleSet;
use crate::ruleset::tests::{compile, compile_with};
use crate::{Limits, LoadError, Parameters, run_cases};

const USER: &str = "identity.user";
const KEY: &str = "identity.key";

const SCHEMA: &str = r#"
entity Auditor;
namespace identity {
  entity user = { name: String, roles: Set<String>, admin?: Bool, until?: datetime, "n-1"?: Long };
  entity key = { owner: { id: identity::user }, free: Bool, spare?: Set<identity::user> };
}
@parameters("free: [root]")
action audit appliesTo {
  principal: [Auditor], resource: [identity::user, identity::key],
  context: { now: datetime, parameters: { free: Set<String> } },
};
"#;

const PERMIT: &str = "permit(principal, action, resource);";

const FREE: &str = r#"
@id("free-keys")
@title("Keys of administrators are bound")
@severity("high")
@control("c5-2020:IDM-06, own:1")
@kinds("identity.key")
@path("/free")
@wanted("a bound key")
@remediation("bind it")
forbid(principal, action, resource is identity::key)
when {
  resource.free && resource.owner.id has admin && resource.owner.id.admin &&
  !context.parameters.free.contains(resource.owner.id.name)
};
"#;

const OLD: &str = r#"
@id("old-users")
@title("Users end")
@severity("low")
@kinds("identity.user")
@visibility("member")
forbid(principal, action, resource is identity::user)
when { resource has until && resource.until < context.now };
"#;

fn files(policies: &[&str]) -> Vec<(String, String)> {
    let mut files = vec![
        ("m.cedarschema".to_owned(), SCHEMA.to_owned()),
        ("permit.cedar".to_owned(), PERMIT.to_owned()),
    ];
    for (n, policy) in policies.iter().enumerate() {
        files.push((format!("r{n}/rule.cedar"), (*policy).to_owned()));
    }
    files
}

fn refs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect()
}

fn set(policies: &[&str]) -> RuleSet {
    compile(&refs(&files(policies))).unwrap()
}

fn judge(set: &RuleSet, facts: &Memory) -> Judged {
    evaluate(set, facts, &Options::fresh(time(0))).unwrap()
}

fn outcome<'j>(judged: &'j Judged, id: &str) -> &'j RuleOutcome {
    &judged.evaluation.rules[id]
}

fn cloud() -> Memory {
    let mut m = Memory::new(vec![complete(USER, None), complete(KEY, None)]);
    m.put(USER, None, "u1", r#"{"name":"ann","roles":["a"],"admin":true,"more":[1]}"#);
    m.put(USER, None, "u2", r#"{"name":"root","roles":{"b":1},"admin":true,"until":null}"#);
    m.put(USER, None, "u3", r#"{"name":"joe","roles":[],"until":"2020-01-01T00:00:00.000000"}"#);
    m.put(KEY, None, "k1", r#"{"owner":{"id":"u1"},"free":true}"#);
    m.put(KEY, None, "k2", r#"{"owner":{"id":"u2"},"free":true}"#);
    m.put(KEY, None, "k3", r#"{"owner":{"id":"u1"},"free":false}"#);
    m
}

#[track_caller]
fn aborts(body: &str, code: AbortCode, message: &str) {
    let mut m = cloud();
    m.put(KEY, None, "k1", body);
    let judged = judge(&set(&[FREE]), &m);
    let f = &outcome(&judged, "free-keys").findings[0];
    assert_eq!(f.resource, Some(key(KEY, None, "k1")));
    let cause = f.cause.as_ref().unwrap();
    assert_eq!((f.verdict, cause.code, cause.message.as_str()), (Verdict::Abort, code, message));
}

#[test]
fn what_cannot_be_judged_is_abort() {
    aborts(r#"{"owner":{"id":"u1"}}"#, AbortCode::Requires, "`/free` is absent");
    aborts(r#"{"free":true,"owner":{}}"#, AbortCode::Requires, "`/owner/id` is absent");
    aborts(r#"{"free":null,"owner":{"id":"u1"}}"#, AbortCode::Requires, "`/free` is absent");
    aborts(
        r#"{"free":"yes","owner":{"id":"u1"}}"#,
        AbortCode::Error,
        "`/free` is not true or false",
    );
    aborts(r#"{"free":true,"owner":{"id":7}}"#, AbortCode::Error, "`/owner/id` is not an id");
    aborts(
        r#"{"free":false,"owner":{"id":"gone"}}"#,
        AbortCode::Join,
        "identity::key::\"k1\" names identity::user::\"gone\", which is not there",
    );
    aborts(
        r#"{"free":false,"owner":{"id":"u1"},"spare":["u2","u9"]}"#,
        AbortCode::Join,
        "identity::key::\"k1\" names identity::user::\"u9\", which is not there",
    );
    let mut m = cloud();
    m.put(USER, None, "u1", r#"{"name":7,"roles":[]}"#);
    let judged = judge(&set(&[FREE]), &m);
    let message = &outcome(&judged, "free-keys").findings[0].cause.as_ref().unwrap().message;
    assert_eq!(message, "identity.user `u1`: `/name` is not text");
}

#[test]
fn coverage_and_visibility_count_as_for_other_rules() {
    let causes = |change: &dyn Fn(&mut Vec<KindCoverage>)| -> Vec<(AbortCode, u64)> {
        let mut m = cloud();
        let mut entries = vec![complete(USER, None), complete(KEY, None)];
        change(&mut entries);
        m.cover(entries);
        let judged = judge(&set(&[FREE, OLD]), &m);
        let of = |id: &str| {
            let o = outcome(&judged, id);
            let code = o.findings.iter().filter_map(|f| f.cause.as_ref()).map(|c| c.code).next();
            (code.unwrap_or(AbortCode::Rule), o.counts.abort)
        };
        vec![of("free-keys"), of("old-users")]
    };
    let forbidden = |kind: &'static str| {
        move |e: &mut Vec<KindCoverage>| {
            for entry in e.iter_mut().filter(|e| e.kind.as_str() == kind) {
                *entry = coverage(kind, None, Status::Forbidden);
            }
        }
    };
    assert_eq!(causes(&|_| ()), [(AbortCode::Rule, 0), (AbortCode::Rule, 0)]);
    assert_eq!(causes(&forbidden(USER)), [(AbortCode::Join, 3), (AbortCode::Coverage, 1)]);
    assert_eq!(causes(&forbidden(KEY)), [(AbortCode::Coverage, 1), (AbortCode::Rule, 0)]);
    let domain = |e: &mut Vec<KindCoverage>| {
        e.iter_mut().for_each(|e| e.visibility = Visibility::Domain("d".into()));
    };
    assert_eq!(causes(&domain), [(AbortCode::Visibility, 4), (AbortCode::Rule, 0)]);
}

#[test]
fn a_forbid_that_decides_is_a_fail_with_evidence() {
    let set = set(&[FREE, OLD]);
    let judged = judge(&set, &cloud());
    let free = outcome(&judged, "free-keys");
    assert_eq!((free.verdict, free.counts.pass, free.counts.fail), (Verdict::Fail, 2, 1));
    let f = &free.findings[0];
    assert_eq!(f.resource, Some(key(KEY, None, "k1")));
    let v = &f.violations[0];
    assert_eq!(v.message, "Keys of administrators are bound");
    assert_eq!(
        (v.path.as_str(), &v.found, &v.wanted),
        ("/free", &true.into(), &"a bound key".into())
    );
    let old = outcome(&judged, "old-users");
    assert_eq!(old.findings[0].resource, Some(key(USER, None, "u3")));
    assert_eq!((old.counts.fail, old.counts.pass), (1, 2));
    let rule = set.definitions().iter().find(|r| r.meta.id.as_str() == "free-keys").unwrap();
    assert_eq!(rule.controls, ["c5-2020:IDM-06", "own:1"]);
    assert_eq!(rule.parameters["free"], serde_json::json!(["root"]));
    assert!(!rule.time);
    assert_eq!(
        rule.joins.iter().map(|j| j.name.as_str()).collect::<Vec<_>>(),
        ["owner.id", "spare"]
    );
}

#[test]
fn parameters_are_set_as_for_other_rules() {
    let given = |value: serde_json::Value| {
        let all = [("free".to_owned(), value)].into();
        let parameters = Parameters { all, ..Parameters::default() };
        let set = compile_with(&refs(&files(&[FREE])), &parameters).unwrap();
        outcome(&judge(&set, &cloud()), "free-keys").counts
    };
    assert_eq!(given(serde_json::json!(["root", "ann"])).fail, 0);
    assert_eq!(given(serde_json::json!([])).fail, 2);
    assert_eq!(given(serde_json::json!("ann")).abort, 3);
}

#[test]
fn cases_are_those_of_other_rules() {
    let cases = r#"
- name: a free key of an administrator
  input:
    resource: {body: {free: true, owner: {id: u1}}}
    joined: {owner.id: {u1: {name: ann, roles: [], admin: true}}}
  verdict: fail
  violations: [{path: /free, found: true}]
- name: a bound one
  base: a free key of an administrator
  patch: {resource: {body: {free: false}}}
  verdict: pass
- name: of nobody
  base: a free key of an administrator
  patch: {joined: {owner.id: null}}
  verdict: abort
  reason: which is not there
"#;
    let mut files = files(&[FREE]);
    files.push(("r0/cases.yaml".to_owned(), cases.to_owned()));
    let report = run_cases(&compile(&refs(&files)).unwrap(), Limits::default());
    assert_eq!(report.failures, []);
    // Each required attribute is taken away once.
    assert_eq!(report.passed, 3 + 3 + 2);
}

#[track_caller]
fn refused(policy: &str, expected: &str) {
    refused_with(SCHEMA, &[("p.cedar", policy), ("permit.cedar", PERMIT)], expected);
}

#[track_caller]
fn refused_with(schema: &str, files: &[(&str, &str)], expected: &str) {
    let mut all = vec![("m.cedarschema", schema)];
    all.extend_from_slice(files);
    let error: LoadError = compile(&all).unwrap_err();
    assert_eq!(error.to_string(), format!("bundle `b`: {expected}"));
}

#[test]
fn audit_policies_must_be_whole() {
    refused(
        &FREE.replace("@severity(\"high\")\n", ""),
        "p.cedar:2: an audit policy needs `@severity`",
    );
    refused(
        &FREE.replace("@path", "@paht"),
        "p.cedar:2: an audit policy has no annotation `@paht`",
    );
    refused(
        &FREE.replace("identity.key\")", "identity.user\")"),
        "p.cedar:2: it never applies to an `identity::user`, of `@kinds`",
    );
    refused(
        &FREE.replace("resource.free &&", "principal == Auditor::\"tidegate\" && resource.free &&"),
        "p.cedar:2: an audit policy must not name Auditor::\"tidegate\": compare an attribute",
    );
    refused_with(
        SCHEMA,
        &[("p.cedar", FREE)],
        "m.cedarschema: audit policies need a permit of everything beside them",
    );
    refused(
        &format!(
            "{FREE}\n@id(\"more\")\npermit(principal, action, resource) when {{ context.now < context.now }};"
        ),
        "p.cedar:16: beside audit policies stands one permit, of everything",
    );
    refused_with(
        &SCHEMA.replace("spare?: Set<identity::user>", "spare?: Set<duration>"),
        &[("p.cedar", FREE), ("permit.cedar", PERMIT)],
        "m.cedarschema: policy `free-keys`: entity `identity::key`: `spare`: values of type `duration` cannot be read from a body",
    );
    refused_with(
        &SCHEMA.replace("admin?: Bool", "admin?: Bool, key?: identity::key"),
        &[("p.cedar", FREE), ("permit.cedar", PERMIT)],
        "m.cedarschema: policy `free-keys`: `identity::user` is named by a resource, so its own `/key` must not be an entity",
    );
    refused_with(
        &SCHEMA.replace("entity user =", "entity user in [identity::key] ="),
        &[("p.cedar", FREE), ("permit.cedar", PERMIT)],
        "m.cedarschema: policy `free-keys`: `identity::user`: entities of a snapshot have no parents and no tags",
    );
    refused_with(
        &SCHEMA.replace("free: [root]", "fre: [root]"),
        &[("p.cedar", FREE), ("permit.cedar", PERMIT)],
        "m.cedarschema: policy `free-keys`: the parameter `fre` is not in the context of `audit`",
    );
}

fn body(kind: &str, id: u8, of: u8, flag: bool) -> String {
    match kind {
        USER => format!(r#"{{"name":"n{of}","roles":[],"admin":{flag}}}"#),
        _ => match id {
            // Not as the schema has it.
            4 => format!(r#"{{"owner":{{"id":"{of}"}}}}"#),
            _ => format!(r#"{{"owner":{{"id":"{of}"}},"free":{flag}}}"#),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn carried_as_if_judged_anew(
        steps in prop::collection::vec(
            prop::collection::vec((any::<bool>(), 0_u8..5, 0_u8..5, any::<bool>(), 0_u8..6), 0..4),
            1..6,
        )
    ) {
        let set = set(&[FREE, OLD]);
        let mut facts = cloud();
        let mut prior: Option<Vec<u8>> = None;
        for step in steps {
            for (user, id, of, flag, what) in step {
                let kind = if user { USER } else { KEY };
                let id_text = id.to_string();
                let at = key(kind, None, &id_text);
                match what {
                    0 => facts.remove(&at),
                    1 => facts.see(&at, false),
                    2 => facts.see(&at, true),
                    _ => facts.put(kind, None, &id_text, &body(kind, id, of, flag)),
                }
            }
            let now = time(i64::try_from(facts.seq()).unwrap());
            let fresh = evaluate(&set, &facts, &Options::fresh(now)).unwrap();
            let options = Options { prior: prior.as_deref(), ..Options::fresh(now) };
            let carried = evaluate(&set, &facts, &options).unwrap();
            prop_assert_eq!(&carried.evaluation, &fresh.evaluation);
            prior = Some(carried.carry);
            facts = facts.next();
        }
    }
}
