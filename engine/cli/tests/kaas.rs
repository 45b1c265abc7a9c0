//! The KaaS scope, results of test suites and what is looked up in another
//! subject, through the binary; the unhappy cases first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use std::sync::Arc;

use serde_json::{Value, json};
use shell::{Ran, Shell};
use tidegate_model::{
    Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_store::{Begin, Store};

const JUNIT: &str = r#"<testsuites>
  <testsuite name="Kubernetes e2e suite" timestamp="2026-11-20T10:00:00" time="3600">
    <testcase name="[sig-node] Pods run [Conformance]"/>
    <testcase name="[sig-network] NetworkPolicy denies"/>
  </testsuite>
</testsuites>"#;

/// A kind with its resources: the place in the key, the id, the body.
type Listing<'a> = (&'a str, &'a str, Vec<(&'a str, Value)>);

/// Puts a snapshot into the store `s` as a collector would.
fn snapshot(shell: &Shell, subject: &str, taken_at: &str, listings: &[Listing<'_>]) {
    let taken_at: Timestamp = taken_at.parse().unwrap();
    let put = async {
        let store = Store::open(&shell.path("s")).await.unwrap();
        let salts = Box::new(|| [7; 16]);
        let begin = Begin { taken_at, tool_version: "test".to_owned(), salts };
        let mut writer = store.begin(&Subject::new(subject).unwrap(), begin).await.unwrap();
        for (kind, place, resources) in listings {
            let kind = Kind::new(kind).unwrap();
            let region = (*place == "R").then(|| Arc::from("R"));
            let system = if region.is_some() { "openstack" } else { "kubernetes" };
            let all = resources.iter().map(|(id, body)| Resource {
                key: ResourceKey::build(system, &kind, &[place, id]),
                kind: kind.clone(),
                region: region.clone(),
                project: None,
                name: Some(Arc::from(*id)),
                body: Arc::from(body.to_string()),
                source: Arc::from("test"),
                read_at: taken_at,
            });
            writer.put(all.collect()).unwrap();
            writer.cover(KindCoverage {
                source: Arc::from("test"),
                region: region.clone(),
                kind: kind.clone(),
                status: Status::Complete { count: resources.len() as u64 },
                visibility: Visibility::All,
                read_from: taken_at,
                read_until: taken_at,
            });
        }
        writer.commit().await.unwrap();
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(put);
}

fn node(id: &str, provider_id: &str) -> Value {
    let labels = json!({"node-role.kubernetes.io/control-plane": ""});
    json!({"metadata": {"labels": labels, "name": id}, "spec": {"providerID": provider_id}})
}

fn server(host: &str) -> Value {
    json!({"hostId": host, "tenant_id": "p"})
}

fn cluster(shell: &Shell, taken_at: &str, results: Vec<(&str, Value)>) {
    let nodes = vec![("n1", node("n1", "openstack:///s1")), ("n2", node("n2", "openstack://R/s2"))];
    snapshot(
        shell,
        "k1",
        taken_at,
        &[
            ("kubernetes.version", "-", vec![("version", json!({"gitVersion": "v1.34.3"}))]),
            ("kubernetes.test_result", "-", results),
            ("core.Node", "-", nodes),
            ("attestation.statement", "-", vec![]),
        ],
    );
}

fn cloud(shell: &Shell, taken_at: &str, hosts: [&str; 2]) {
    let servers = vec![("s1", server(hosts[0])), ("s2", server(hosts[1]))];
    snapshot(shell, "prod1", taken_at, &[("compute.server", "R", servers)]);
}

fn result(set: &str, failed: u64) -> Value {
    let none = json!({"passed": 0, "failed": 0});
    let mut sets = json!({"conformance": none, "network_policy": none});
    sets[set] = json!({"passed": 400, "failed": failed});
    json!({
        "passed": 400, "failed": failed, "skipped": 0, "sets": sets,
        "failed_tests": if failed > 0 { json!(["a"]) } else { json!([]) },
        "finished": "2026-01-02T10:00:00Z", "tidegate": {"file": "e2e.tar.gz", "sha256": "00"},
    })
}

#[track_caller]
fn verdicts(ran: &Ran) -> Vec<(String, String)> {
    let report = ran.json();
    let testcases = report["subjects"][0]["scopes"][0]["testcases"].as_array().unwrap().clone();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    testcases.iter().map(|t| (text(&t["id"]), text(&t["verdict"]))).collect()
}

#[track_caller]
fn is(ran: &Ran, expected: [&str; 3]) {
    let ids = ["cncf-k8s-conformance", "kaas-networking-check", "version-policy-check"];
    let expected = ids.into_iter().zip(expected).map(|(a, b)| (a.to_owned(), b.to_owned()));
    let mut got = verdicts(ran);
    got.sort();
    assert_eq!(got, expected.collect::<Vec<_>>(), "{ran:?}");
}

#[test]
fn results_that_are_none_are_refused() {
    let shell = Shell::new();
    shell.write("page.xml", "<html/>");
    shell.write("bomb.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite/>");
    let refused = |args: &str, texts: &[&str]| shell.run(args).refused(1, texts);
    refused("collect --example --test-results page.xml", &["`page.xml`", "its root is `html`"]);
    refused("collect --example --test-results bomb.xml", &["declares a document type"]);
    refused("collect --example --test-results none.xml", &["cannot read `none.xml`"]);
    assert!(!shell.path(".local/share/tidegate/manifests").exists(), "nothing was collected");
}

#[test]
fn results_are_carried_until_they_are_replaced() {
    let shell = Shell::new();
    shell.write("junit.xml", JUNIT);
    shell.write("later.xml", &JUNIT.replace("10:00", "11:00"));
    let names = |args: &str| {
        let ran = shell.run(&format!("collect --example -q {args}"));
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = shell.run("snapshot show kubernetes.test_result -f json");
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let first = names("--test-results junit.xml");
    assert!(first.contains("junit.xml"), "{first}");
    let second = names("");
    assert!(second.contains("junit.xml"), "{second}");
    let third = names("--test-results later.xml");
    assert!(third.contains("later.xml") && !third.contains("junit.xml"), "{third}");
}

#[test]
fn the_scope_is_judged_and_reported_by_its_uuid() {
    let shell = Shell::new();
    let args = "check --store s --scope scs-compatible-kaas@v1 --cloud k1";
    let report = |more: &str| shell.run(&format!("{args} -f json {more}"));
    cluster(&shell, "2026-01-05T12:00:00Z", vec![]);
    is(&report(""), ["missing", "missing", "pass"]);
    let both = vec![("a", result("conformance", 0)), ("b", result("network_policy", 1))];
    cluster(&shell, "2026-01-06T12:00:00Z", both);
    is(&report(""), ["pass", "fail", "pass"]);
    // A run counts a month or a year, a version judged a week.
    is(&report("--reference-date 2026-03-05"), ["pass", "missing", "missing"]);

    let ran = shell.run(&format!("{args} -f scs"));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stdout.contains("uuid: '1fffebe6-fd4b-44d3-a36c-fc58b4bb0180'"), "{}", ran.stdout);
    assert!(ran.stdout.contains("name: SCS-compatible KaaS"), "{}", ran.stdout);
}

#[test]
fn newer_data_on_releases_take_the_place_of_those_built_in() {
    let shell = Shell::new();
    cluster(&shell, "2026-01-05T12:00:00Z", vec![]);
    shell.write("kubernetes-releases/.manifest", r#"{"roots": ["kubernetes_releases"]}"#);
    let data = "\
releases:
  as_of: '2026-01-05'
  branches:
    '1.34': {end_of_life: '2026-01-01', releases: {}}
    '1.35': {end_of_life: '2027-01-01', releases: {}}
vulnerabilities: {as_of: '2026-01-05', cves: []}
";
    shell.write("kubernetes-releases/kubernetes_releases/data.yaml", data);
    for bundles in [
        "--bundle ./kubernetes-releases --bundle scs-compatible-kaas",
        "--bundle scs-compatible-kaas --bundle ./kubernetes-releases",
    ] {
        let args =
            format!("check --store s --cloud k1 {bundles} --scope scs-compatible-kaas -f json");
        is(&shell.run(&args), ["missing", "missing", "fail"]);
    }
}

#[test]
fn nodes_find_their_servers_in_the_cloud_below() {
    let rule = "scs-strict-0214-control-plane-servers";
    let shell = Shell::new();
    let judged = || {
        let ran = shell.run("check --store s --cloud k1 --bundle scs-kaas-strict -f json");
        let report = ran.json();
        let rules = report["subjects"][0]["rules"].as_array().unwrap().clone();
        let found = rules.into_iter().find(|r| r["id"] == rule).unwrap();
        (found["verdict"].as_str().unwrap().to_owned(), found.to_string())
    };
    cluster(&shell, "2026-01-05T12:00:00Z", vec![]);
    let (verdict, text) = judged();
    assert_eq!(verdict, "abort");
    assert!(text.contains("no other subject of the store has `compute.server`"), "{text}");
    // What is collected later says nothing of what was before.
    cloud(&shell, "2026-01-06T12:00:00Z", ["h1", "h2"]);
    assert_eq!(judged().0, "abort");
    cluster(&shell, "2026-01-07T12:00:00Z", vec![]);
    assert_eq!(judged().0, "pass");
    // Nothing changed in the cluster, but in the cloud.
    cloud(&shell, "2026-01-08T12:00:00Z", ["h1", "h1"]);
    cluster(&shell, "2026-01-09T12:00:00Z", vec![]);
    let (verdict, text) = judged();
    assert_eq!(verdict, "fail");
    assert!(text.contains("2 servers of the control plane are on 1 hosts"), "{text}");
}
