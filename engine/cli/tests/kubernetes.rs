//! Scans a replayed cluster with the binary, as people do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shell::{Ran, Shell};
use tidegate_replay::kubernetes::{Account, Cluster, KubeReplay};

/// A rule that a pod of the replayed cluster breaks, and one on its nodes.
const RULES: [(&str, &str); 2] = [
    (
        "pods",
        "# METADATA\n# title: No pod is named db-0\n# custom:\n#   id: no-db-0\n#   severity: high\n\
         #   input: resource\n#   kinds: [core.Pod]\npackage own.pods\nimport rego.v1\n\
         verdict := \"fail\" if input.resource.name == \"db-0\"\nelse := \"pass\"\n\
         violations contains {\"message\": \"it is\", \"path\": \"/metadata/name\", \"found\": \"db-0\", \"wanted\": \"another\"} if {\n\tinput.resource.name == \"db-0\"\n}\n",
    ),
    (
        "nodes",
        "# METADATA\n# title: There are nodes\n# custom:\n#   id: some-node\n#   severity: low\n\
         #   input: collection\n#   kinds: [core.Node]\npackage own.nodes\nimport rego.v1\n\
         verdict := \"pass\" if count(input.resources[\"core.Node\"]) > 0\n\
         violations := set()\n",
    ),
];

/// A cluster with an administrator and somebody who may list nodes only.
struct Scanned {
    shell: Shell,
    replay: KubeReplay,
}

impl Scanned {
    async fn new() -> Self {
        let mut cluster = Cluster::example().unwrap();
        let list = vec![(String::new(), "nodes".to_owned(), String::new())];
        let (user, token) = ("limited@prod1".to_owned(), "limited".to_owned());
        cluster.accounts.push(Account { user, token, list });
        let replay = KubeReplay::start(cluster, 0).await.unwrap();
        let shell = Shell::new();
        shell.write(".kube/config", &replay.kubeconfig());
        shell.write("own/.manifest", r#"{"roots": ["own"]}"#);
        for (name, rule) in RULES {
            shell.write(&format!("own/{name}/rule.rego"), rule);
        }
        Self { shell, replay }
    }

    /// Runs the binary without keeping the replay from answering.
    fn run(&self, args: &str) -> Ran {
        tokio::task::block_in_place(|| self.shell.run(args))
    }
}

fn rules(report: &Value, subject: usize) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let rules = report["subjects"][subject]["rules"].as_array().unwrap();
    rules.iter().map(|r| (text(&r["id"]), text(&r["verdict"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_is_scanned_and_kept_under_a_name_of_its_own() {
    let s = Scanned::new().await;
    let ran = s.run("scan --context limited@prod1 --bundle ./own -f json");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("limited-prod1@1: "), "{ran:?}");
    let report = ran.json();
    assert_eq!(report["subjects"][0]["snapshot"], "limited-prod1@1");
    let verdicts = rules(&report, 0);
    assert_eq!(verdicts, [("no-db-0".into(), "abort".into()), ("some-node".into(), "pass".into())]);

    // Nothing is named and there is no cloud: the current context.
    let ran = s.run("scan --bundle ./own -f json");
    assert_eq!(ran.code, 2, "{ran:?}");
    let report = ran.json();
    assert_eq!(report["subjects"][0]["snapshot"], "admin@1");
    assert_eq!(rules(&report, 0)[0], ("no-db-0".into(), "fail".into()));
    let finding = &report["subjects"][0]["rules"][0]["findings"][0];
    assert!(finding.to_string().contains("kubernetes/core.Pod/data/db-0"), "{finding}");
    let again = s.run("check --cloud admin --bundle ./own -f json");
    assert_eq!((again.code, rules(&again.json(), 0)), (2, rules(&report, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_of_the_file_name_clusters() {
    let s = Scanned::new().await;
    std::fs::rename(s.shell.path(".kube/config"), s.shell.path("k8s-a.yaml")).unwrap();
    s.shell.write(
        "tidegate.yaml",
        "schema: tidegate.config/v1\nbundles: [./own]\ntargets:\n  prod1-k8s-a:\n    kubeconfig: k8s-a.yaml\n  prod1-k8s-b:\n    context: limited@prod1\n    kubeconfig: k8s-a.yaml\n",
    );
    let ran = s.run("scan -f json");
    let report = ran.json();
    assert_eq!(report["subjects"][0]["snapshot"], "prod1-k8s-a@1", "{ran:?}");
    assert_eq!(report["subjects"][1]["snapshot"], "prod1-k8s-b@1");
    // By its own name, by its context, and as what is read of the store.
    for args in [
        "collect --cloud prod1-k8s-b",
        "collect --context prod1-k8s-b",
        "collect --context limited@prod1",
    ] {
        let ran = s.run(args);
        assert!(ran.code == 0 && ran.stdout.starts_with("prod1-k8s-b@"), "{ran:?}");
    }
    let shown = s.run("config show -f json").json();
    assert_eq!(shown["settings"]["targets"]["value"], json!(["prod1-k8s-a", "prod1-k8s-b"]));
    assert_eq!(shown["settings"]["targets.prod1-k8s-b.context"]["value"], "limited@prod1");

    s.shell.write(
        "tidegate.yaml",
        "schema: tidegate.config/v1\ntargets:\n  a:\n    cloud: x\n    context: y\n  b: {context: z}\n  c: {context: z}\n",
    );
    s.run("scan").refused(
        1,
        &[
            "tidegate.yaml:4: `cloud` and `context` are of different systems",
            "tidegate.yaml:7: targets `b` and `c` are the same context `z`",
        ],
    );
    s.shell.write("tidegate.yaml", "targets:\n  a:\n    with: [tls]\n    context: y\n");
    let ran = s.run("scan");
    ran.refused(1, &["tidegate.yaml:3: `with` is about OpenStack clouds, and `a` is a cluster"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told() {
    let s = Scanned::new().await;
    s.run("scan --context prod2").refused(64, &["unknown context `prod2`", "admin, limited@prod1"]);
    s.run("scan --kubeconfig nonesuch").refused(1, &["nonesuch", "no such file"]);
    s.run("scan --context admin --example").refused(64, &["--example"]);
    let only_clouds = ["`--with` asks the hosts", "context `admin` is a Kubernetes cluster"];
    s.run("scan --with tls").refused(64, &only_clouds);
    s.run("collect --context admin --with anonymous").refused(64, &only_clouds);
    s.shell
        .write(".kube/config", &s.replay.kubeconfig().replace("replayed-admin-token", "hunter2"));
    let refused = s.run("scan");
    refused.refused(1, &["refused the credential of context `admin`", "kubectl auth whoami"]);
    assert!(!refused.stderr.contains("hunter2"));
    assert!(!s.shell.path(".local/share/tidegate").exists(), "nothing is written for nothing");
    let none =
        s.replay.kubeconfig().replace(r#""current-context":"admin""#, r#""current-context":"""#);
    s.shell.write(".kube/config", &none);
    s.run("scan").refused(1, &["no clouds.yaml found", "--context admin, limited@prod1"]);
    let ran = tokio::task::block_in_place(|| s.shell.run_with("scan", &[("KUBECONFIG", "gone")]));
    ran.refused(1, &["no kubeconfig found in", "gone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_of_one_system() {
    let s = Scanned::new().await;
    assert_eq!(s.run("collect --example").code, 0);
    let kubeconfig = s.replay.kubeconfig().replace("\"admin\"", "\"example\"");
    s.shell.write(".kube/config", &kubeconfig);
    s.run("collect --context example").refused(64, &["`example` is a cloud in the store"]);
    s.run("probe --cloud example").refused(1, &["no clouds.yaml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_one_system_are_not_asked_of_another() {
    let s = Scanned::new().await;
    assert_eq!(s.run("collect --example").code, 0);
    assert_eq!(s.run("collect --context admin").code, 0);
    let ran = s.run("check --bundle ./own --bundle scs-compatible-iaas -f json");
    let report = ran.json();
    let of = |subject: &str| {
        let all = report["subjects"].as_array().unwrap();
        let at = all.iter().position(|s| s["snapshot"] == subject).unwrap();
        rules(&report, at).into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(of("admin@1"), ["no-db-0", "some-node"]);
    assert!(of("example@1").len() > 20 && !of("example@1").contains(&"no-db-0".to_owned()));
    // What says nothing of a cloud at all is asked all the same, and aborts.
    let ran = s.run("check --cloud example --bundle ./own -f json");
    assert_eq!(ran.code, 3);
    assert_eq!(rules(&ran.json(), 0).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_system_is_judged_with_its_own_rules_by_default() {
    let s = Scanned::new().await;
    assert_eq!(s.run("collect --example").code, 0);
    assert_eq!(s.run("collect --context admin").code, 0);
    // A parameter that rules of one system have is none too many for the other.
    s.shell.write("tidegate.yaml", "schema: tidegate.config/v1\nparameters: {lifetime: week}\n");
    let report = s.run("check -f json").json();
    for (subject, scope, bundles) in [
        (
            "admin@1",
            "scs-compatible-kaas",
            ["scs-compatible-kaas", "kubernetes-security"].as_slice(),
        ),
        ("example@1", "scs-compatible-iaas", &["scs-compatible-iaas"]),
    ] {
        let all = report["subjects"].as_array().unwrap();
        let one = all.iter().find(|s| s["snapshot"] == subject).unwrap();
        let scopes: Vec<&str> = one["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["scope"].as_str().unwrap())
            .collect();
        assert_eq!(scopes, [scope]);
        let rules = one["rules"].as_array().unwrap();
        let of: BTreeSet<&str> = rules.iter().map(|r| r["bundle"].as_str().unwrap()).collect();
        assert_eq!(of, bundles.iter().copied().collect());
    }
    s.run("scan --context admin --parameter nonesuch=1").refused(1, &["nonesuch"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_credential_lacks_is_told_beforehand() {
    let s = Scanned::new().await;
    let ran = s.run("collect --preflight --context limited@prod1 --bundle ./own");
    assert_eq!(ran.code, 3, "{ran:?}");
    for line in ["limited-prod1: 1 of ", "core.Pod", "1 rules cannot be judged", "no-db-0"] {
        assert!(ran.stdout.contains(line), "no `{line}` in {}", ran.stdout);
    }
    // Workloads are computed from pods, among others.
    let ran =
        s.run("collect --preflight --context limited@prod1 --bundle kubernetes-security -f json");
    let aborts = ran.json()["clusters"][0]["aborts"].as_array().unwrap().clone();
    let naked = aborts.iter().find(|a| a["rule"] == "k8s.workload.naked-pod").unwrap();
    assert!(naked["kinds"].as_array().unwrap().contains(&json!("core.Pod")), "{naked}");
    let ran = s.run("collect --preflight --context admin --bundle ./own -f json");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["clusters"][0]["aborts"], json!([]));
    assert!(!s.shell.path(".local/share/tidegate").exists(), "nothing is kept");
    s.run("collect --preflight --example").refused(64, &["OpenStack"]);
    s.run("collect --example --bundle ./own").refused(64, &["--preflight"]);
    assert!(
        s.replay
            .requests()
            .iter()
            .all(|r| r.starts_with("GET ") || r.ends_with("/selfsubjectaccessreviews"))
    );
}

#[test]
fn what_built_in_rules_ask_for_is_served_or_told_to_be_absent() {
    let cluster = Cluster::example().unwrap();
    let mut known: BTreeSet<String> =
        tidegate_kubernetes::tables::OPTIONAL.iter().map(|k| (*k).to_owned()).collect();
    for group in &cluster.groups {
        let name = if group.name.is_empty() { "core" } else { &group.name };
        let all = group.versions.iter().flat_map(|v| &v.resources);
        known.extend(all.map(|r| format!("{name}.{}", r.kind)));
    }
    let listed = Shell::new().run("policy list -f json").json();
    for rule in listed["rules"].as_array().unwrap() {
        for kind in rule["kinds"].as_array().unwrap().iter().filter_map(Value::as_str) {
            let capital = kind.rsplit('.').next().unwrap().starts_with(|c: char| c.is_uppercase());
            assert!(!capital || known.contains(kind), "{kind}, of {}", rule["id"]);
        }
    }
}
