//! What a pod and its controller's template must agree on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::spec::Pod;

/// A hash of what a pod runs as. Cryptographic, or somebody could make a pod
/// that hides behind a template that it does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Substance([u8; 32]);

/// Of the pod spec: where and when it runs, and what admission fills in.
const PLACEMENT: [&str; 11] = [
    "affinity",
    "hostname",
    "imagePullSecrets",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priorityClassName",
    "resources",
    "schedulerName",
    "subdomain",
    "tolerations",
];

const SPREAD: &str = "topologySpreadConstraints";

/// Of a container: where it stands, and what admission and autoscalers set.
const INCIDENTAL: [&str; 4] = ["imagePullPolicy", "path", "resizePolicy", "resources"];

/// Annotations that are part of how a pod is confined; prefixes.
const CONFINEMENT: [&str; 3] = [
    "container.apparmor.security.beta.kubernetes.io/",
    "container.seccomp.security.alpha.kubernetes.io/",
    "seccomp.security.alpha.kubernetes.io/",
];

impl Pod {
    pub(super) fn substance(&self) -> Substance {
        // Lines of JSON: no two pods that differ have the same ones.
        let mut text = Vec::with_capacity(2048);
        let mut line = |key: &str, value: &Value| {
            let pair = (key, value);
            // Writing values into memory does not fail.
            let _ = serde_json::to_writer(&mut text, &pair);
            text.push(b'\n');
        };
        for (key, value) in &self.spec {
            if !PLACEMENT.contains(&key.as_str()) && key != SPREAD {
                line(key, value);
            }
        }
        let host = self.spec.get("hostNetwork") == Some(&json!(true));
        for (name, container) in &self.containers {
            line("container", &Value::String(name.clone()));
            for (key, value) in container.as_object().into_iter().flatten() {
                match (key.as_str(), value) {
                    ("ports", Value::Array(ports)) if host => line(key, &less_host_ports(ports)),
                    (other, value) if !INCIDENTAL.contains(&other) => line(other, value),
                    (_, _) => {}
                }
            }
        }
        for (key, value) in &self.annotations {
            if CONFINEMENT.iter().any(|prefix| key.starts_with(prefix)) {
                line(key, value);
            }
        }
        Substance(Sha256::digest(&text).into())
    }
}

/// The API sets the host port of a pod in the host's network to the port
/// itself, and leaves templates as they are.
fn less_host_ports(ports: &[Value]) -> Value {
    let less = |port: &Value| {
        let mut port = port.as_object().cloned().unwrap_or_else(Map::new);
        if port.get("hostPort") == port.get("containerPort") {
            port.remove("hostPort");
        }
        port.sort_keys();
        Value::Object(port)
    };
    Value::Array(ports.iter().map(less).collect())
}
