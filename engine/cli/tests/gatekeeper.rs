//! Gatekeeper constraints through the binary: folders as bundles, suites, and
//! constraints that stand in the cluster.
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
use shell::Shell;
use tidegate_model::{
    Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_store::{Begin, Store};

const TEMPLATE: &str = r#"apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata:
  name: ownerrequired
  annotations:
    metadata.gatekeeper.sh/title: Owners
spec:
  crd: {spec: {names: {kind: OwnerRequired}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package ownerrequired

      violation[{"msg": msg, "details": {"label": label}}] {
        label := input.parameters.label
        not input.review.object.metadata.labels[label]
        msg := sprintf("the label <%v> is missing", [label])
      }
"#;

const CONSTRAINT: &str = "apiVersion: constraints.gatekeeper.sh/v1beta1
kind: OwnerRequired
metadata: {name: pods}
spec:
  enforcementAction: warn
  match:
    kinds: [{apiGroups: [''], kinds: [Pod]}]
    excludedNamespaces: [kube-*]
  parameters: {label: owner}
";

const SUITE: &str = "apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
tests:
- name: owners
  template: template.yaml
  constraint: constraint.yaml
  cases:
  - {name: with, object: with.yaml, assertions: [{violations: no}]}
  - {name: without, object: without.yaml, assertions: [{violations: 1, message: '<owner> is'}]}
  - {name: system, object: system.yaml, assertions: [{violations: no}]}
  - {name: later, object: none.yaml, skip: true}
";

fn folder(shell: &Shell) {
    shell.write("owners/template.yaml", TEMPLATE);
    shell.write("owners/constraint.yaml", CONSTRAINT);
    shell.write("owners/suite.yaml", SUITE);
    let pod = |meta: &str| format!("{{apiVersion: v1, kind: Pod, metadata: {{{meta}}}}}");
    shell.write("owners/with.yaml", &pod("name: a, namespace: n, labels: {owner: me}"));
    shell.write("owners/without.yaml", &pod("name: a, namespace: n"));
    shell.write("owners/system.yaml", &pod("name: a, namespace: kube-system"));
}

/// Puts a snapshot of a cluster into the store.
fn cluster(shell: &Shell, objects: &[Value], coverage: &[(&str, Status)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let time = Timestamp::new(1_790_000_000, 0).unwrap();
    let source: Arc<str> = Arc::from("kubernetes/core");
    runtime.block_on(async {
        let store = Store::open(&shell.path("s")).await.unwrap();
        let subject = Subject::new("prod1-k8s").unwrap();
        let begin =
            Begin { taken_at: time, tool_version: "0".to_owned(), salts: Box::new(|| [7; 16]) };
        let mut writer = store.begin(&subject, begin).await.unwrap();
        let resource = |object: &Value| {
            let text = |p: &str| object.pointer(p).and_then(Value::as_str).unwrap_or_default();
            let (group, _) = text("/apiVersion").rsplit_once('/').unwrap_or(("core", ""));
            let kind = Kind::new(format!("{group}.{}", text("/kind"))).unwrap();
            let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
            Resource {
                key: ResourceKey::build("kubernetes", &kind, &[namespace, name]),
                kind,
                region: None,
                project: Some(Arc::from(namespace)).filter(|n: &Arc<str>| !n.is_empty()),
                name: Some(Arc::from(name)),
                body: Arc::from(object.to_string()),
                source: Arc::clone(&source),
                read_at: time,
            }
        };
        writer.put(objects.iter().map(resource).collect()).unwrap();
        for (kind, status) in coverage {
            writer.cover(KindCoverage {
                source: Arc::clone(&source),
                region: None,
                kind: Kind::new(kind).unwrap(),
                status: status.clone(),
                visibility: Visibility::All,
                read_from: time,
                read_until: time,
            });
        }
        writer.commit().await.unwrap();
    });
}

fn pod(name: &str, namespace: &str, labels: Value) -> Value {
    let metadata = json!({"name": name, "namespace": namespace, "labels": labels});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
}

fn rule<'r>(report: &'r Value, id: &str) -> &'r Value {
    let rules = report["subjects"][0]["rules"].as_array().unwrap();
    rules.iter().find(|r| r["id"] == id).unwrap_or_else(|| panic!("no {id} in {report}"))
}

#[test]
fn suites_are_run_and_a_wrong_case_is_told() {
    let shell = Shell::new();
    folder(&shell);
    let ran = shell.run("policy test owners");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "3 passed, 0 failed\n"), "{ran:?}");
    assert!(ran.stderr.contains("owners: 1 cases are skipped"), "{ran:?}");

    shell.write("owners/suite.yaml", &SUITE.replace("violations: 1", "violations: 2"));
    let ran = shell.run("policy test owners");
    let expected = "FAIL owners/suite.yaml: owners/without\n     expected 2 violations whose \
                    message fits `<owner> is`\n     got      1: the label <owner> is missing\n\
                    2 passed, 1 failed\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (2, expected), "{ran:?}");
}

#[test]
fn what_is_wrong_with_a_folder_is_named_with_file_and_line() {
    let shell = Shell::new();
    folder(&shell);
    let broken = TEMPLATE.replace("label := input", "label := http.send({}); x := input");
    shell.write("owners/template.yaml", &broken);
    let texts = ["owners", "template.yaml:15", "`http.send` is refused"];
    shell.run("check --bundle owners").refused(1, &texts);
    shell.write("owners/template.yaml", TEMPLATE);
    shell.write("owners/constraint.yaml", "apiVersion: constraints.gatekeeper.sh/v1\nkind: [\n");
    shell.run("check --bundle owners").refused(1, &["constraint.yaml:3", "no YAML"]);
    shell.write("owners/constraint.yaml", &CONSTRAINT.replace("excludedNamespaces", "except"));
    shell.run("check --bundle owners").refused(1, &["constraint.yaml:1", "unknown field `except`"]);
    shell.run("policy list --bundle owners").refused(64, &["`owners` is a folder of Gatekeeper"]);
}

#[test]
fn a_snapshot_is_audited_with_a_folder() {
    let shell = Shell::new();
    folder(&shell);
    let objects = [
        pod("good", "shop", json!({"owner": "me"})),
        pod("bad", "shop", json!({})),
        pod("dns", "kube-system", json!({})),
    ];
    cluster(&shell, &objects, &[("core.Pod", Status::Complete { count: 3 })]);
    let ran = shell.run("check --store s --bundle owners -f json");
    assert_eq!(ran.code, 2, "{ran:?}");
    let report = ran.json();
    let rule = rule(&report, "gatekeeper.OwnerRequired.pods");
    assert_eq!(rule["counts"], json!({"pass": 1, "fail": 1, "abort": 0, "missing": 0}));
    assert_eq!(rule["severity"], "medium");
    assert_eq!(rule["title"], "Owners: OwnerRequired pods");
    let finding = &rule["findings"][0];
    assert_eq!(finding["resource"], "kubernetes/core.Pod/shop/bad");
    assert_eq!(finding["violations"][0]["message"], "the label <owner> is missing");
    assert_eq!(finding["violations"][0]["found"], json!({"label": "owner"}));
    assert_eq!(shell.run("check --store s --bundle owners --fail-on high").code, 0);
    let again = shell.run("check --store s --bundle owners -f json").json();
    assert_eq!(again["subjects"], report["subjects"]);
}

#[test]
fn a_kind_that_was_not_seen_is_abort() {
    let shell = Shell::new();
    folder(&shell);
    cluster(&shell, &[], &[("core.Pod", Status::Forbidden)]);
    let ran = shell.run("check --store s --bundle owners -f json");
    assert_eq!(ran.code, 3, "{ran:?}");
    let report = ran.json();
    let finding = &rule(&report, "gatekeeper.OwnerRequired.pods")["findings"][0];
    assert_eq!(finding["cause"], json!({"code": "coverage", "message": "`core.Pod`: forbidden"}));
}

#[test]
fn constraints_of_the_cluster_are_judged_without_being_asked_for() {
    let shell = Shell::new();
    let yaml = |text: &str| yaml_serde::from_str::<Value>(text).unwrap();
    let mut constraint = yaml(CONSTRAINT);
    constraint["status"] = json!({"auditTimestamp": "2026-09-21T10:00:00Z", "totalViolations": 5});
    let objects = [yaml(TEMPLATE), constraint, pod("bad", "shop", json!({}))];
    let coverage = [
        ("core.Pod", Status::Complete { count: 1 }),
        ("templates.gatekeeper.sh.ConstraintTemplate", Status::Complete { count: 1 }),
        ("constraints.gatekeeper.sh.OwnerRequired", Status::Complete { count: 1 }),
    ];
    cluster(&shell, &objects, &coverage);
    let ran = shell.run("check --store s -f json");
    let report = ran.json();
    let found = rule(&report, "gatekeeper.OwnerRequired.pods");
    assert_eq!(found["counts"]["fail"], 1, "{found}");
    assert_eq!(
        found["title"],
        "Owners: OwnerRequired pods (Gatekeeper's audit at 2026-09-21T10:00:00Z found 5 \
         violations, 1 here)"
    );
    let table = shell.run("check --store s");
    assert!(table.stdout.contains("gatekeeper.OwnerRequired.pods"), "{table:?}");
    assert!(table.stdout.contains("found 5 violations, 1 here"), "{table:?}");
}
