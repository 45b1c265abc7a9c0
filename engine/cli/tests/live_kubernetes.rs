//! Runs the binary against the real API server of `ci/testbed/kubernetes`. Off by
//! default: `ci/test` asks for them with `--ignored` where the binaries are.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may"
)]

mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use shell::Shell;

/// A store of its own, and the kubeconfig of the testbed as the usual one.
fn shell() -> Shell {
    let shell = Shell::new();
    let kubeconfig = std::env::var("TIDEGATE_TESTBED_KUBECONFIG").unwrap();
    shell.write(".kube/config", &std::fs::read_to_string(kubeconfig).unwrap());
    shell
}

/// Kind → status with its count or reason, of the newest snapshot.
fn coverage(shell: &Shell, cloud: &str) -> BTreeMap<String, Value> {
    let shown = shell.run(&format!("snapshot show --cloud {cloud} -f json")).json();
    let all = shown["coverage"].as_array().unwrap().clone();
    all.into_iter().map(|c| (c["kind"].as_str().unwrap().to_owned(), c)).collect()
}

fn kubectl(shell: &Shell, args: &[&str]) -> Output {
    let program = std::env::var("TIDEGATE_KUBECTL").unwrap();
    Command::new(program).args(args).env_clear().env("HOME", shell.dir.path()).output().unwrap()
}

/// `core.Pod` → how many kubectl lists, of every kind that it can list.
fn counted_by_kubectl(shell: &Shell) -> BTreeMap<String, u64> {
    // It exits with 1, since one server does not say what it serves.
    let types = kubectl(shell, &["api-resources", "--verbs=list", "--no-headers"]);
    let mut counts = BTreeMap::new();
    for line in String::from_utf8(types.stdout).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [plural, .., version, _namespaced, kind] = words[..] else { panic!("{line}") };
        let (group, name) = match version.split_once('/') {
            None => ("core", plural.to_owned()),
            Some((group, version)) => (group, format!("{plural}.{version}.{group}")),
        };
        let listed = kubectl(shell, &["get", &name, "-A", "-o", "name"]);
        assert!(listed.status.success(), "{name}: {listed:?}");
        let count = String::from_utf8(listed.stdout).unwrap().lines().count();
        counts.insert(format!("{group}.{kind}"), count as u64);
    }
    counts
}

#[test]
#[ignore = "needs an API server"]
fn live_every_kind_has_as_many_as_kubectl_lists() {
    let shell = shell();
    assert_eq!(shell.run("collect --context admin").code, 0);
    let all = coverage(&shell, "admin");
    let counts = counted_by_kubectl(&shell);
    assert!(counts.len() > 40 && counts["core.ConfigMap"] >= 1100, "{counts:#?}");
    let mut left_out = BTreeSet::new();
    for (kind, count) in &counts {
        match all.get(kind) {
            Some(c) => assert_eq!(
                (&c["status"], c["count"].as_u64()),
                (&"complete".into(), Some(*count)),
                "{kind}"
            ),
            None => _ = left_out.insert(kind.as_str()),
        }
    }
    // See the collector's table of noise; what a server is too new or old for is not there.
    let noise = BTreeSet::from([
        "coordination.k8s.io.Lease",
        "coordination.k8s.io.LeaseCandidate",
        "core.ComponentStatus",
        "core.Endpoints",
        "core.Event",
        "events.k8s.io.Event",
        "extensions.Ingress",
    ]);
    assert!(left_out.is_subset(&noise), "{left_out:?}");
    // And nothing is made up.
    let own = ["kubernetes.api", "kubernetes.version"];
    let listed = |c: &Value| {
        c["status"] == "complete" && c["source"].as_str().unwrap().starts_with("kubernetes/")
    };
    for kind in all.iter().filter(|(_, c)| listed(c)).map(|(kind, _)| kind.as_str()) {
        assert!(counts.contains_key(kind) || own.contains(&kind), "{kind}");
    }
}

/// Collects through the gate, and again with harm done between two pages.
fn collect_with_harm(harm: &str) -> (Shell, BTreeMap<String, Value>, BTreeMap<String, Value>) {
    let shell = shell();
    assert_eq!(shell.run("collect --context gated").code, 0);
    let before = coverage(&shell, "gated");
    let armed = std::env::var("TIDEGATE_TESTBED_ARMED").unwrap();
    std::fs::write(&armed, harm).unwrap();
    let ran = shell.run("collect --context gated");
    assert!(ran.code == 0 && ran.stderr.contains(" 0 gone"), "{ran:?}");
    assert!(!std::fs::exists(&armed).unwrap(), "no list had a second page");
    let after = coverage(&shell, "gated");
    (shell, before, after)
}

#[test]
#[ignore = "needs an API server"]
fn live_a_list_goes_on_after_its_token_expired_and_says_so() {
    let (shell, before, after) = collect_with_harm("compact");
    assert_eq!(before["core.ConfigMap"]["status"], "complete");
    assert_eq!(after["core.ConfigMap"]["status"], "inconsistent", "{}", after["core.ConfigMap"]);
    assert_eq!(after["core.Secret"]["status"], "complete");
    // It was read to the end all the same.
    let shown = shell.run("snapshot show core.ConfigMap c-1099 --cloud gated -f json");
    assert!(shown.code == 0 && shown.stdout.contains("c-1099"), "{shown:?}");
}

#[test]
#[ignore = "needs an API server"]
fn live_a_server_that_restarts_amid_a_list_loses_nothing() {
    let (shell, before, after) = collect_with_harm("restart");
    let config = &after["core.ConfigMap"];
    // Which of them depends on how long the server takes.
    match config["status"].as_str().unwrap() {
        "complete" => assert_eq!(config["count"], before["core.ConfigMap"]["count"]),
        status => {
            let reason = config["reason"].as_str().unwrap_or_default();
            assert!(status == "failed" && reason.starts_with("page 2: "), "{config}");
        }
    }
    for (kind, c) in &after {
        let (was, is) = (before[kind]["status"].as_str().unwrap(), c["status"].as_str().unwrap());
        assert!(is == was || is == "failed", "{kind} was {was}, is {is}");
    }
    // While it starts it lists before it knows all that it serves.
    let back = (0..240).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let again = shell.run("collect --context gated");
        assert!(again.code != 0 || again.stderr.contains(" 0 gone"), "{again:?}");
        let now = coverage(&shell, "gated");
        again.code == 0 && before.iter().all(|(kind, c)| now[kind]["status"] == c["status"])
    });
    assert!(back.is_some(), "the API server does not come back");
    assert_eq!(
        coverage(&shell, "gated")["core.ConfigMap"]["count"],
        before["core.ConfigMap"]["count"]
    );
}

#[test]
#[ignore = "needs an API server"]
fn live_every_listable_kind_is_read_and_a_dead_one_is_told() {
    let shell = shell();
    let ran = shell.run("collect --context admin");
    assert_eq!(ran.code, 0, "{ran:?}");
    let all = coverage(&shell, "admin");
    let config = &all["core.ConfigMap"];
    assert_eq!(config["status"], "complete");
    assert!(config["count"].as_u64().unwrap() >= 1100, "{config}");
    assert_eq!(all["example.org.Thing"]["status"], "complete");
    assert_eq!(all["kubernetes.version"]["status"], "complete");
    // The dead one does not say what it serves, so what is served is not known.
    assert_eq!(all["kubernetes.api"]["status"], "failed");
    assert!(all["kubernetes.api"]["reason"].as_str().unwrap().contains("dead.example.org/v1"));
    let gaps = |c: &&Value| !matches!(c["status"].as_str(), Some("complete" | "absent"));
    assert_eq!(all.values().filter(gaps).count(), 1, "{all:#?}");

    let again = shell.run("collect --context admin");
    let told = again.stderr.contains(" 0 gone, 0 not seen");
    assert!(again.code == 0 && told, "{again:?}");
}

#[test]
#[ignore = "needs an API server"]
fn live_a_limited_user_is_told_and_deletes_nothing() {
    let shell = shell();
    assert_eq!(shell.run("collect --context limited").code, 0);
    let all = coverage(&shell, "limited");
    assert_eq!(all["core.Node"]["status"], "complete");
    assert_eq!(all["core.Secret"]["status"], "forbidden");
    assert_eq!(all["core.ConfigMap"]["status"], "forbidden");
    let ran = shell.run("collect --preflight --context limited -f json");
    assert!([0, 3].contains(&ran.code), "{ran:?}");
    let refused = ran.json()["clusters"][0]["refused"].as_array().unwrap().clone();
    assert!(refused.iter().any(|r| r["kind"] == "core.Secret"));
    assert!(!refused.iter().any(|r| r["kind"] == "core.Node"));
}

#[test]
#[ignore = "needs an API server"]
fn live_no_secret_is_shown() {
    let shell = shell();
    assert_eq!(shell.run("collect --context admin").code, 0);
    for (kind, name) in [("core.Secret", "s"), ("core.ConfigMap", "c-0000")] {
        let shown = shell.run(&format!("snapshot show {kind} {name} -f json"));
        assert!(shown.code == 0 && shown.stdout.contains("[redacted]"), "{shown:?}");
        assert!(!shown.stdout.contains("hunter2"), "{shown:?}");
    }
}
