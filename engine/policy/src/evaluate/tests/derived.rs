//! Derived kinds are judged like any other: carried as if anew, and equal
//! bodies once as if each.

use proptest::prelude::*;
use tidegate_model::{AbortCode, KindCoverage, RuleOutcome, Status, Verdict};

use super::facts::{Memory, complete, coverage, object, time};
use crate::evaluate::{Judged, Options, evaluate};
use crate::ruleset::RuleSet;
use crate::ruleset::tests::compile;

/// A rule that sees the body only; `more` may make it see more.
fn image(id: &str, more: &str) -> String {
    format!(
        r#"# METADATA
# title: images
# custom:
#   id: {id}
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
package d.{id}
import rego.v1
violations contains {{"message": "old", "path": concat("", [c.path, "/image"]), "found": c.image}} if {{
    some c in input.resource.body.containers
    c.image < 2{more}
}}
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#
    )
}

/// A rule that sees the body and what is joined by it; as [`image`].
fn account(id: &str, more: &str) -> String {
    format!(
        r#"# METADATA
# title: accounts
# custom:
#   id: {id}
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   joins: [{{name: access, kind: kubernetes.access, key: /spec/serviceAccountName}}]
package d.{id}
import rego.v1
violations contains {{"message": sprintf("%s reads secrets", [id])}} if {{
    some id, access in input.joined.access
    access.can["read-secrets"]["*"]{more}
}}
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#
    )
}

const SUBJECT: &str = r#"# METADATA
# title: subject
# custom:
#   id: d-subject
#   severity: low
#   input: collection
#   per: subject
#   kinds: [kubernetes.workload, kubernetes.access]
package d.subject
import rego.v1
violations contains {"message": "not built in", "resource": r.key} if {
    some r in input.resources["kubernetes.access"]
    not r.body.built_in
}
violations contains {"message": "naked", "resource": r.key} if {
    some r in input.resources["kubernetes.workload"]
    r.body.kind == "Pod"
}
verdict := "pass" if count(violations) == 0
verdict := "fail" if count(violations) > 0
"#;

fn rules() -> RuleSet {
    let key = "\n    input.resource.key != \"\"";
    let files = [
        ("once.rego", image("once", "")),
        ("each.rego", image("each", key)),
        ("joined_once.rego", account("joined_once", "")),
        ("joined_each.rego", account("joined_each", key)),
        ("subject.rego", SUBJECT.to_owned()),
    ];
    let set = compile(&files.each_ref().map(|(path, text)| (*path, text.as_str()))).unwrap();
    let once = set.rules().zip(&set.of_bodies).filter(|(_, only)| **only);
    assert_eq!(once.map(|(r, _)| r.id.as_str()).collect::<Vec<_>>(), ["joined_once", "once"]);
    set
}

const POD: &str = "core.Pod";
const SET: &str = "apps.ReplicaSet";
const DEPLOYMENT: &str = "apps.Deployment";
const ROLE: &str = "rbac.authorization.k8s.io.ClusterRole";
const BINDING: &str = "rbac.authorization.k8s.io.ClusterRoleBinding";
const VERSION: &str = "kubernetes.version";

const KINDS: [&str; 6] = [POD, SET, DEPLOYMENT, ROLE, BINDING, VERSION];

const OTHERS: [&str; 8] = [
    "apps.DaemonSet",
    "apps.StatefulSet",
    "batch.CronJob",
    "batch.Job",
    "core.PodTemplate",
    "core.ReplicationController",
    "rbac.authorization.k8s.io.Role",
    "rbac.authorization.k8s.io.RoleBinding",
];

fn body(kind: &str, of: u8, image: u8) -> String {
    let owner = |kind: &str| {
        format!(
            r#"{{"ownerReferences":[{{"apiVersion":"apps/v1","controller":true,"kind":"{kind}","name":"{of}"}}]}}"#
        )
    };
    let spec = match image {
        4 => "1".to_owned(),
        _ => format!(
            r#"{{"containers":[{{"image":{image},"name":"c"}}],"serviceAccountName":"{of}"}}"#
        ),
    };
    match kind {
        POD => format!(r#"{{"metadata":{},"spec":{spec}}}"#, owner("ReplicaSet")),
        SET => format!(
            r#"{{"metadata":{},"spec":{{"template":{{"spec":{spec}}}}}}}"#,
            owner("Deployment")
        ),
        DEPLOYMENT => format!(r#"{{"spec":{{"template":{{"spec":{spec}}}}}}}"#),
        ROLE if image == 0 => {
            r#"{"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["list"]}]}"#.to_owned()
        }
        ROLE => r#"{"rules":[]}"#.to_owned(),
        BINDING if image == 4 => "{}".to_owned(),
        BINDING => format!(
            r#"{{"roleRef":{{"kind":"ClusterRole","name":"{of}"}},"subjects":[{{"kind":"ServiceAccount","name":"{image}","namespace":"n"}}]}}"#
        ),
        _ => format!(r#"{{"minor":"{}"}}"#, 30 + image / 4),
    }
}

fn entries(forbidden: Option<usize>) -> Vec<KindCoverage> {
    let mut all: Vec<_> = OTHERS.iter().map(|k| coverage(k, None, Status::Absent)).collect();
    for kind in OTHERS.iter().filter(|k| k.starts_with("rbac")) {
        all.retain(|c| c.kind.as_str() != *kind);
        all.push(complete(kind, None));
    }
    for (n, kind) in KINDS.iter().enumerate() {
        match forbidden {
            Some(at) if at == n => all.push(coverage(kind, None, Status::Forbidden)),
            Some(_) | None => all.push(complete(kind, None)),
        }
    }
    all
}

#[derive(Debug, Clone)]
enum Step {
    Put { kind: usize, name: u8, of: u8, image: u8 },
    Remove { kind: usize, name: u8 },
    See { kind: usize, name: u8, seen: bool },
    Forbid { kind: Option<usize> },
}

fn step() -> impl Strategy<Value = Step> {
    let at = || (prop::sample::select(vec![0, 0, 0, 1, 2, 3, 4, 5_usize]), 0..6_u8);
    prop_oneof![
        8 => (at(), 0..3_u8, 0..5_u8)
            .prop_map(|((kind, name), of, image)| Step::Put { kind, name, of, image }),
        2 => at().prop_map(|(kind, name)| Step::Remove { kind, name }),
        2 => (at(), any::<bool>()).prop_map(|((kind, name), seen)| Step::See { kind, name, seen }),
        1 => prop::option::of(0..KINDS.len()).prop_map(|kind| Step::Forbid { kind }),
    ]
}

fn apply(memory: &mut Memory, step: &Step) {
    let key = |kind: usize, name: u8| object(KINDS[kind], "n", &name.to_string());
    match *step {
        Step::Put { kind, name, of, image } => {
            // Cluster roles are looked up without a namespace.
            let namespace = if KINDS[kind] == ROLE { "" } else { "n" };
            let body = body(KINDS[kind], of, image);
            memory.put_object(KINDS[kind], namespace, &name.to_string(), &body);
        }
        Step::Remove { kind, name } => memory.remove(&key(kind, name)),
        Step::See { kind, name, seen } => memory.see(&key(kind, name), seen),
        Step::Forbid { kind } => memory.cover(entries(kind)),
    }
}

fn outcome<'j>(judged: &'j Judged, id: &str) -> &'j RuleOutcome {
    &judged.evaluation.rules[id]
}

fn check(rounds: &[(Vec<Step>, bool)]) {
    let set = rules();
    let mut memory = Memory::new(entries(None));
    let mut prior: Option<Vec<u8>> = None;
    for (n, (steps, skip)) in rounds.iter().enumerate() {
        memory = memory.next();
        steps.iter().for_each(|s| apply(&mut memory, s));
        let mut options = Options::fresh(time(0));
        let fresh = evaluate(&set, &memory, &options).unwrap();
        options.prior = prior.as_deref();
        let carried = evaluate(&set, &memory, &options).unwrap();
        let json = |e| serde_json::to_string_pretty(e).unwrap();
        assert_eq!(json(&carried.evaluation), json(&fresh.evaluation), "round {n}: {rounds:?}");
        for judged in [&fresh, &carried] {
            for (once, each) in [("once", "each"), ("joined_once", "joined_each")] {
                let [once, each] = [once, each].map(|id| outcome(judged, id));
                assert_eq!(once, each, "round {n}: {rounds:?}");
            }
        }
        if !skip {
            prior = Some(if n % 2 == 0 { carried.carry } else { fresh.carry });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn carried_equals_fresh_and_once_equals_each(
        rounds in prop::collection::vec((prop::collection::vec(step(), 0..14), any::<bool>()), 1..8),
    ) {
        check(&rounds);
    }
}

/// A Deployment, its ReplicaSet and `pods` pods, some of which say otherwise.
fn shop(pods: usize, naked: usize) -> Memory {
    let mut memory = Memory::new(entries(None));
    memory.put_object(DEPLOYMENT, "n", "0", &body(DEPLOYMENT, 0, 1));
    memory.put_object(SET, "n", "0", &body(SET, 0, 1));
    for n in 0..pods {
        memory.put_object(POD, "n", &format!("p{n}"), &body(POD, 0, 1));
    }
    for n in 0..naked {
        memory.put_object(POD, "n", &format!("q{n}"), &body(POD, 2, 0));
    }
    memory
}

#[test]
fn findings_name_the_source_and_equal_pods_are_judged_once() {
    let once = compile(&[("once.rego", &image("once", ""))]).unwrap();
    let judged = evaluate(&once, &shop(20, 7), &Options::fresh(time(0))).unwrap();
    let outcome = outcome(&judged, "once");
    let named: Vec<&str> =
        outcome.findings.iter().map(|f| f.resource.as_ref().unwrap().as_str()).collect();
    assert_eq!(named[0], "kubernetes/apps.Deployment/n/0");
    assert_eq!(named[1], "kubernetes/core.Pod/n/q0");
    assert_eq!(named.len(), 8);
    assert_eq!(outcome.findings[1].name.as_deref(), Some("q0"));
    assert_eq!(outcome.findings[0].violations[0].path, "/spec/template/spec/containers/0/image");
    assert_eq!(outcome.counts.fail, 8);
    assert_eq!(judged.stats.judged, 2, "seven equal pods are one");
    assert_eq!(judged.stats.read, 8);
    let each =
        compile(&[("each.rego", &image("each", "\n    input.resource.key != \"\""))]).unwrap();
    let judged = evaluate(&each, &shop(20, 7), &Options::fresh(time(0))).unwrap();
    assert_eq!(judged.stats.judged, 8);
}

#[test]
fn after_a_change_only_what_depends_on_it_is_judged() {
    let set = compile(&[("once.rego", &image("once", ""))]).unwrap();
    let first = shop(20, 7);
    let prior = evaluate(&set, &first, &Options::fresh(time(0))).unwrap();
    let after = |change: &dyn Fn(&mut Memory)| {
        let mut next = first.next();
        change(&mut next);
        let options = Options { prior: Some(&prior.carry), ..Options::fresh(time(0)) };
        let judged = evaluate(&set, &next, &options).unwrap();
        assert!(judged.stats.carried);
        (judged.stats.read, outcome(&judged, "once").counts.fail)
    };
    assert_eq!(after(&|_| {}), (0, 8));
    assert_eq!(after(&|m| m.put_object(POD, "n", "q0", &body(POD, 2, 3))), (1, 7));
    assert_eq!(after(&|m| m.put_object(POD, "n", "p0", &body(POD, 0, 0))), (1, 9));
    // The pods of a set whose template says otherwise now speak for themselves.
    assert_eq!(after(&|m| m.put_object(SET, "n", "0", &body(SET, 0, 3))), (21, 28));
    assert_eq!(after(&|m| m.remove(&object(SET, "n", "0"))), (20, 28));
}

#[test]
fn what_was_not_seen_or_cannot_be_read_is_abort() {
    let set = compile(&[("once.rego", &image("once", ""))]).unwrap();
    let mut memory = shop(0, 0);
    memory.put_object(POD, "n", "broken", &body(POD, 0, 4));
    memory.see(&object(DEPLOYMENT, "n", "0"), false);
    memory.cover(entries(Some(2)));
    let judged = evaluate(&set, &memory, &Options::fresh(time(0))).unwrap();
    let outcome = outcome(&judged, "once");
    assert_eq!(outcome.verdict, Verdict::Abort);
    let causes: Vec<_> = outcome
        .findings
        .iter()
        .map(|f| {
            let cause = f.cause.as_ref().unwrap();
            let of = f.resource.as_ref().map_or("", |k| k.as_str());
            (of, cause.code, cause.message.as_str())
        })
        .collect();
    assert_eq!(
        causes,
        [
            (
                "",
                AbortCode::Coverage,
                "`kubernetes.workload`: failed: `apps.Deployment`: forbidden"
            ),
            (
                "kubernetes/apps.Deployment/n/0",
                AbortCode::Unseen,
                "it was last seen at 2023-11-14T22:13:20Z"
            ),
            (
                "kubernetes/core.Pod/n/broken",
                AbortCode::Error,
                "it cannot be read: `/spec` is not an object"
            ),
        ]
    );
}

#[test]
fn a_collection_for_derived_kinds_reads_their_inputs() {
    let set = rules();
    let kinds: Vec<String> = set.kinds().iter().map(ToString::to_string).collect();
    assert!(kinds.contains(&"core.Pod".to_owned()) && kinds.contains(&VERSION.to_owned()));
    assert!(!kinds.iter().any(|k| tidegate_derive::is_derived(k)));
}
