//! Finds clusters as kubectl does, and tells why one cannot be reached.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::sync::Arc;

use support::{account, answer, connect, environment, serve, settings, timeouts};
use tidegate_kubernetes::{Cluster, CollectError, Config, IN_CLUSTER};
use tidegate_replay::kubernetes::Cluster as Recorded;
use tidegate_replay::{Action, Fault};

fn file(context: &str, server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {context}\ncontexts:\n- name: {context}\n  context: {{cluster: c-{context}, user: u}}\nclusters:\n- name: c-{context}\n  cluster: {{server: '{server}'}}\nusers:\n- name: u\n  user: {user}\n"
    )
}

#[test]
fn files_of_a_list_are_merged_and_the_first_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), file("one", "https://one.example", "{token: a}"))
        .unwrap();
    std::fs::write(folder.path().join("b"), file("two", "https://two.example", "{token: b}"))
        .unwrap();
    let env = environment(folder.path(), &[("KUBECONFIG", "a:missing::b")]);
    let config = Config::load(&env, None).unwrap();
    assert_eq!(config.contexts(), ["one", "two"]);
    assert_eq!(config.current(), Some("one"));
    assert_eq!(config.context(Some("two")).unwrap().context(), "two");
    let unknown = config.context(Some("three")).unwrap_err();
    assert_eq!(unknown.to_string(), "unknown context `three`");
    assert_eq!(unknown.hint(), "known contexts: one, two");
    // A file that is named must be there, and stands alone.
    let alone = Config::load(&env, Some("b".as_ref())).unwrap();
    assert_eq!(alone.contexts(), ["two"]);
    let missing = Config::load(&env, Some("missing".as_ref())).unwrap_err();
    assert!(missing.to_string().ends_with("missing`: no such file or directory"), "{missing}");
}

#[test]
fn without_a_file_a_pod_uses_its_own_account() {
    let folder = tempfile::tempdir().unwrap();
    let vars = [("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "443")];
    let outside = Config::load(&environment(folder.path(), &[]), None).unwrap();
    assert_eq!(outside.current(), None);
    let nothing = outside.context(None).unwrap_err();
    assert_eq!(nothing.to_string(), "no kubeconfig found in `/nonexistent/.kube/config`");
    std::fs::create_dir(folder.path().join("account")).unwrap();
    std::fs::write(folder.path().join("account/token"), "t").unwrap();
    let inside = Config::load(&environment(folder.path(), &vars), None).unwrap();
    assert_eq!(inside.current(), Some(IN_CLUSTER));
    assert_eq!(inside.context(None).unwrap().context(), IN_CLUSTER);
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_its_secrets() {
    for text in ["users: [{name: a, user: {token: [hunter2]}}]", "token: hunter2: x", "a: [hunter2"]
    {
        let told = match settings(text, None) {
            Err(e @ CollectError::BadConfig { .. }) => format!("{e} {}", e.hint()),
            other => unreachable!("{other:?}"),
        };
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn an_exec_plugin_brings_the_token() {
    let replay = serve(Recorded::example().unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugin");
    let credential = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"replayed-admin-token"}}"#;
    std::fs::write(&plugin, format!("#!/bin/sh\necho '{credential}'\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&plugin, mode).unwrap();
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}}";
    std::fs::write(folder.path().join("config"), file("x", &replay.url(), user)).unwrap();
    let env = environment(folder.path(), &[("KUBECONFIG", "config")]);
    let chosen = Config::load(&env, None).unwrap().context(None).unwrap();
    let cluster = Cluster::connect(&chosen, &timeouts(), Arc::new(support::now)).await.unwrap();
    assert_eq!(cluster.context(), "x");

    std::fs::write(&plugin, "#!/bin/sh\necho not logged in >&2\nexit 1\n").unwrap();
    let refused = Cluster::connect(&chosen, &timeouts(), Arc::new(support::now)).await;
    assert!(matches!(refused.err(), Some(CollectError::BadContext { .. })));
}

#[tokio::test]
async fn why_a_cluster_cannot_be_reached_is_told() {
    let mut recorded = Recorded::example().unwrap();
    recorded.accounts.push(account("other", &[]));
    let replay = serve(recorded).await;
    let text = replay.kubeconfig().replace("token-of-other", "wrong");
    let reach = async |text: &str, context| {
        let settings = settings(text, context).unwrap();
        Cluster::connect(&settings, &timeouts(), Arc::new(support::now)).await.err()
    };
    assert!(matches!(reach(&text, Some("other")).await, Some(CollectError::Unauthorized { .. })));
    let nobody = text.replace("replayed-admin-token", "");
    let without = nobody.replace(r#""user":{"token":""}"#, r#""user":{}"#);
    assert!(matches!(reach(&without, None).await, Some(CollectError::DiscoveryForbidden { .. })));
    let nowhere = text.replace(&replay.url(), "http://127.0.0.1:1");
    assert!(matches!(reach(&nowhere, None).await, Some(CollectError::Unreachable { .. })));
    let https = text.replace("http://", "https://");
    assert!(reach(&https, None).await.is_some(), "no TLS there");

    replay.fault(Fault::always("GET /version", Action::Html));
    let strange = connect(&replay, None).await.err().unwrap();
    assert!(matches!(strange, CollectError::NotKubernetes { .. }), "{strange}");
}

#[tokio::test]
async fn a_version_that_is_closed_is_coverage() {
    let replay = serve(Recorded::example().unwrap()).await;
    replay.fault(Fault::always("GET /version", answer(403, &[], r#"{"message":"no"}"#)));
    let cluster = connect(&replay, None).await.unwrap();
    let got = support::gather(&cluster, &support::options()).await;
    assert_eq!(got.status("kubernetes.version"), &tidegate_model::Status::Forbidden);
    assert_eq!(got.status("core.Pod"), &support::complete(8));
}
