//! Joins with other subjects of the store.

use tidegate_model::{AbortCode, Facts, Status, Verdict};

use super::facts::{Memory, complete, coverage, key, time};
use crate::evaluate::{Options, Others, evaluate};
use crate::ruleset::RuleSet;
use crate::ruleset::tests::compile;

/// Fails with the names of what was found.
const RULE: &str = r#"# METADATA
# title: t
# custom:
#   id: r-hosts
#   severity: low
#   input: collection
#   per: subject
#   kinds: [core.Node]
#   joins: [{name: servers, kind: compute.server, key: /spec/providerID, subject: any}]
package r.hosts
import rego.v1
verdict := "fail" if count(input.joined.servers) > 0
verdict := "pass" if count(input.joined.servers) == 0
violations contains {"message": sprintf("%s on %s", [id, body.hostId])} if {
    some id, body in input.joined.servers
}
"#;

fn rules() -> RuleSet {
    compile(&[("r.rego", RULE)]).unwrap()
}

fn nodes(provider_ids: &[&str]) -> Memory {
    let mut m = Memory::new(vec![complete("core.Node", None)]).of("k8s");
    for (n, id) in provider_ids.iter().enumerate() {
        let body = format!(r#"{{"spec":{{"providerID":"{id}"}}}}"#);
        m.put("core.Node", None, &format!("n{n}"), &body);
    }
    m
}

fn cloud(subject: &str, servers: &[(&str, &str)]) -> Memory {
    let mut m = Memory::new(vec![complete("compute.server", Some("R"))]).of(subject);
    for (id, host) in servers {
        m.put("compute.server", Some("R"), id, &format!(r#"{{"hostId":"{host}"}}"#));
    }
    m
}

#[track_caller]
fn judge(nodes: &Memory, others: &[&dyn Facts]) -> (Verdict, Vec<String>) {
    let others = Others(others.to_vec());
    let options = Options { others, ..Options::fresh(time(0)) };
    let judged = evaluate(&rules(), nodes, &options).unwrap();
    let outcome = judged.evaluation.rules.into_values().next().unwrap();
    let said = outcome.findings.into_iter().flat_map(|f| {
        let cause = f.cause.into_iter().map(|c| {
            assert_eq!(c.code, AbortCode::Join);
            c.message
        });
        f.violations.iter().map(|v| v.message.clone()).chain(cause).collect::<Vec<_>>()
    });
    (outcome.verdict, said.collect())
}

#[test]
fn provider_ids_are_found_in_whichever_subject_has_them() {
    let k8s = nodes(&["openstack:///s1", "openstack://R/s2", "s3", "gce://x/none", ""]);
    let (a, b) =
        (cloud("a", &[("s1", "h1"), ("s9", "h9")]), cloud("b", &[("s2", "h2"), ("s3", "h3")]));
    let unrelated = Memory::new(vec![complete("core.Pod", None)]).of("c");
    let (verdict, mut said) = judge(&k8s, &[&a, &unrelated, &b]);
    said.sort();
    assert_eq!(
        (verdict, said),
        (Verdict::Fail, ["s1 on h1", "s2 on h2", "s3 on h3"].map(str::to_owned).to_vec())
    );
}

#[test]
fn one_id_in_two_subjects_gives_both() {
    let k8s = nodes(&["openstack:///s1"]);
    let (a, b) = (cloud("a", &[("s1", "h1")]), cloud("b", &[("s1", "h2")]));
    let (_, mut said) = judge(&k8s, &[&a, &b]);
    said.sort();
    assert_eq!(said, ["b@1/test/compute.server/R/s1 on h2", "s1 on h1"]);
}

#[test]
fn without_a_subject_that_knows_there_is_no_answer() {
    let k8s = nodes(&["openstack:///s1"]);
    let text = "no other subject of the store has `compute.server`; collect it into the same \
                store, first";
    assert_eq!(judge(&k8s, &[]), (Verdict::Abort, vec![text.to_owned()]));
    let absent = coverage("compute.server", Some("R"), Status::Absent);
    let absent = Memory::new(vec![absent]).of("a");
    assert_eq!(judge(&k8s, &[&absent]).0, Verdict::Abort);
}

#[test]
fn what_a_half_known_subject_may_hold_is_not_taken_as_missing() {
    let k8s = nodes(&["openstack:///s1", "openstack:///s2"]);
    let a = cloud("a", &[("s1", "h1")]);
    let mut b = cloud("b", &[("s2", "h2")]);
    b.cover(vec![coverage("compute.server", Some("R"), Status::Forbidden)]);
    // What it shows counts; all is found.
    assert_eq!(judge(&k8s, &[&a, &b]).0, Verdict::Fail);
    b.remove(&key("compute.server", Some("R"), "s2"));
    let text = "b@1: `compute.server`: forbidden";
    assert_eq!(judge(&k8s, &[&a, &b]), (Verdict::Abort, vec![text.to_owned()]));
}

#[test]
fn a_server_that_was_not_seen_tells_nothing() {
    let k8s = nodes(&["openstack:///s1"]);
    let mut a = cloud("a", &[("s1", "h1")]);
    a.see(&key("compute.server", Some("R"), "s1"), false);
    let (verdict, said) = judge(&k8s, &[&a]);
    assert_eq!(verdict, Verdict::Abort);
    assert!(said[0].contains("of `a@1` was last seen at"), "{said:?}");
}

#[test]
fn is_judged_anew_although_nothing_changed_here() {
    let (rules, k8s) = (rules(), nodes(&["openstack:///s1"]));
    let before = cloud("a", &[]);
    let options = Options { others: Others(vec![&before]), ..Options::fresh(time(0)) };
    let first = evaluate(&rules, &k8s, &options).unwrap();
    assert_eq!(first.evaluation.rules.values().next().unwrap().verdict, Verdict::Pass);
    let after = cloud("a", &[("s1", "h1")]);
    let options = Options { others: Others(vec![&after]), prior: Some(&first.carry), ..options };
    let second = evaluate(&rules, &k8s, &options).unwrap();
    assert!(second.stats.carried);
    assert_eq!(second.evaluation.rules.values().next().unwrap().verdict, Verdict::Fail);
}
