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

use std::collections::BTreeMap;

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
