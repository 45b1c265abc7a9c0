//! Plants a secret in every place of the tables and looks for it in all that
//! comes out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

mod support;

use serde_json::{Value, json};
use support::{connect, gather, options, serve};
use tidegate_kubernetes::{Options, RedactionKey, tables};
use tidegate_replay::kubernetes::Cluster as Recorded;

const CANARY: &str = "cAnArY-hunter2-0123456789";

fn meta(name: &str) -> Value {
    json!({"name": name, "namespace": "default", "uid": "u"})
}

/// An object for each place where a secret may stand.
fn planted() -> Vec<(&'static str, Value)> {
    let applied: serde_json::Map<String, Value> = tables::APPLIED
        .iter()
        .map(|a| ((*a).to_owned(), json!(format!("{{\"data\":{{\"x\":\"{CANARY}\"}}}}"))))
        .collect();
    let mut annotated = meta("annotated");
    annotated["annotations"] = Value::Object(applied);
    annotated["annotations"]["example.org/db-password"] = json!(CANARY);
    annotated["annotations"]["note"] = json!(format!("login with token={CANARY}"));
    let pod = |name: &str, container: Value| json!({"metadata": meta(name), "spec": {"containers": [container]}});
    let kubeconfig =
        format!("apiVersion: v1\nkind: Config\nusers:\n- user:\n    token: {CANARY}\n");
    let keyed = format!("users:\n- user:\n    client-key-data: {CANARY}\n");
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n");
    // -----BEGIN PRIVATE KEY-----, in base64.
    let packed = format!("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t{CANARY}");
    let docker = format!("{{\"auths\":{{\"r\":{{\"auth\":\"{CANARY}\"}}}}}}");
    vec![
        (
            "core/v1/secrets",
            json!({"metadata": meta("s"), "type": "Opaque",
            "data": {"x": CANARY, "token": CANARY}, "stringData": {"y": CANARY}}),
        ),
        ("core/v1/secrets", json!({"metadata": annotated, "data": {}})),
        (
            "core/v1/configmaps",
            json!({"metadata": meta("c"), "binaryData": {"b": CANARY}, "data": {
            "db-password": CANARY, "app.properties": format!("user=x\npassword={CANARY}\n"),
            "kubeconfig": kubeconfig, "keys": keyed, "pem": pem, "packed": packed,
            "docker": docker, "url": format!("postgres://app:{CANARY}@db/app")}}),
        ),
        (
            "core/v1/pods",
            pod(
                "env",
                json!({"name": "a", "image": "i", "env": [
            {"name": "DB_PASSWORD", "value": CANARY}, {"name": "API_TOKEN", "value": CANARY},
            {"name": "URL", "value": format!("https://u:{CANARY}@x")}]}),
            ),
        ),
        (
            "core/v1/pods",
            pod(
                "args",
                json!({"name": "a", "image": "i",
            "command": ["run", format!("--password={CANARY}")],
            "args": ["--api-token", CANARY, "--verbose"]}),
            ),
        ),
        (
            "core/v1/pods",
            pod(
                "probe",
                json!({"name": "a", "image": "i", "livenessProbe": {"httpGet":
            {"path": "/", "httpHeaders": [{"name": "Authorization", "value": CANARY}]}}}),
            ),
        ),
        (
            "core/v1/pods",
            json!({"metadata": meta("volume"), "spec": {"containers": [], "volumes": [
            {"name": "v", "csi": {"driver": "d", "volumeAttributes": {"secretToken": CANARY}}},
            {"name": "w", "flexVolume": {"driver": "d", "options": {"password": CANARY}}}]}}),
        ),
        (
            "storage.k8s.io/v1/storageclasses",
            json!({"metadata": {"name": "sc"},
            "provisioner": "p", "parameters": {"restuserpassword": CANARY}}),
        ),
        (
            "storage.k8s.io/v1/volumeattachments",
            json!({"metadata": {"name": "va"},
            "status": {"attachmentMetadata": {"accessKey": CANARY}}}),
        ),
        (
            "admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
            json!({"metadata": {"name": "w"}, "webhooks": [{"name": "w",
                "clientConfig": {"url": format!("https://u:{CANARY}@w")}}]}),
        ),
        (
            "apps/v1/controllerrevisions",
            json!({"metadata": meta("r"), "data": {"spec": {"template":
            {"spec": {"containers": [{"env": [{"name": "PASSWORD", "value": CANARY}]}]}}}}}),
        ),
        (
            "example.org/v1/things",
            json!({"metadata": meta("t"), "apiVersion": "example.org/v1",
            "kind": "Thing", "spec": {"password": CANARY, "apiToken": CANARY, "tokens": [CANARY],
                "credentials": {"user": "u", "passphrase": CANARY},
                "parameters": [{"name": "clientSecret", "value": {"deep": CANARY}}],
                "values": format!("password: {CANARY}")}}),
        ),
    ]
}

async fn collected(key: Option<RedactionKey>) -> support::Got {
    let mut cluster = Recorded::example().unwrap();
    cluster.serve("example.org", "v1", "things", "Thing");
    let planted = planted();
    for (path, _) in &planted {
        let of = planted.iter().filter(|(p, _)| p == path).map(|(_, v)| v.clone());
        cluster.set(path, of);
    }
    let replay = serve(cluster).await;
    let reached = connect(&replay, None).await.unwrap();
    gather(&reached, &Options { redaction_key: key, ..options() }).await
}

#[tokio::test]
async fn no_planted_secret_comes_out() {
    for key in [None, Some(RedactionKey::new("k"))] {
        let got = collected(key).await;
        for r in &got.resources {
            let shown = format!("{r:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        for path in planted().iter().map(|(path, _)| *path) {
            let plural = path.rsplit('/').next().unwrap();
            let kind = plural.trim_end_matches("es").trim_end_matches('s');
            let some =
                |r: &&tidegate_model::Resource| r.kind.as_str().to_lowercase().contains(kind);
            assert!(got.resources.iter().any(|r| some(&r)), "{path} was collected");
        }
    }
}

#[tokio::test]
async fn what_only_sounds_secret_stays() {
    let got = collected(None).await;
    let secret = got.body("kubernetes/core.Secret/default/s");
    assert_eq!(secret["data"], json!({"token": "[redacted]", "x": "[redacted]"}));
    assert_eq!(secret["type"], "Opaque");
    let env = got.body("kubernetes/core.Pod/default/env");
    assert_eq!(
        env["spec"]["containers"][0]["env"][0],
        json!({"name": "DB_PASSWORD", "value": "[redacted]"})
    );
    let args = got.body("kubernetes/core.Pod/default/args");
    assert_eq!(
        args["spec"]["containers"][0]["args"],
        json!(["--api-token", "[redacted]", "--verbose"])
    );
    let config = got.body("kubernetes/core.ConfigMap/default/c");
    assert_eq!(config["data"]["app.properties"], "[redacted:password]");
    assert_eq!(config["data"]["packed"], "[redacted:private-key]");
    let thing = got.body("kubernetes/example.org.Thing/default/t");
    assert_eq!(thing["spec"]["credentials"], json!({"user": "u", "passphrase": "[redacted]"}));
}

#[tokio::test]
async fn references_images_and_code_stay() {
    let mut cluster = Recorded::example().unwrap();
    cluster.serve("example.org", "v1", "things", "Thing");
    cluster.serve("templates.gatekeeper.sh", "v1", "constrainttemplates", "ConstraintTemplate");
    let pod = json!({"metadata": {"name": "p", "namespace": "d", "labels": {"token": "blue"}},
        "spec": {"automountServiceAccountToken": false, "imagePullSecrets": [{"name": "pull"}],
            "containers": [{"name": "vault-secret", "image": "registry.example/secret:v1.2.3",
                "args": ["--token-auth-file", "/etc/tokens", "--secure-port=6443"],
                "envFrom": [{"secretRef": {"name": "db"}}],
                "env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "MODE", "value": "plain"}]}],
            "volumes": [{"name": "s", "secret": {"secretName": "db"}},
                {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]}});
    let thing = json!({"apiVersion": "example.org/v1", "kind": "Thing",
        "metadata": {"name": "t", "namespace": "d"},
        "spec": {"secretName": "db", "tokenSecretRef": {"name": "x", "key": "y"},
            "password": {"name": "db", "key": "password"}, "tokenTTLSeconds": 30}});
    let rego =
        "violation[{\"msg\": msg}] { input.review.object.spec.token == \"x\"; password: abcdef }";
    let template = json!({"apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
        "metadata": {"name": "k8s"}, "spec": {"targets": [{"target": "t", "rego": rego}]}});
    for (path, object) in [
        ("core/v1/pods", &pod),
        ("example.org/v1/things", &thing),
        ("templates.gatekeeper.sh/v1/constrainttemplates", &template),
    ] {
        cluster.set(path, [object.clone()]);
    }
    let replay = serve(cluster).await;
    let reached = connect(&replay, None).await.unwrap();
    let got = gather(&reached, &options()).await;
    let mut want = pod.clone();
    (want["apiVersion"], want["kind"]) = (json!("v1"), json!("Pod"));
    assert_eq!(got.body("kubernetes/core.Pod/d/p"), want);
    assert_eq!(got.body("kubernetes/example.org.Thing/d/t"), thing);
    let key = "kubernetes/templates.gatekeeper.sh.ConstraintTemplate/-/k8s";
    assert_eq!(got.body(key), template);
}
