//! Makes clusters of any size, the same ones every time.

use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::recording::RecordingError;

/// How many pods a Deployment has.
const REPLICAS: usize = 5;

/// The bundled cluster with this many pods and nodes, and namespaces,
/// Deployments and ReplicaSets to go with them. A pod is about 6 kB, of which
/// `managedFields` are a third, as in recorded ones. Everything follows from the
/// seed, so that two runs, or two machines, bench the same bytes.
///
/// # Errors
/// As [`Cluster::example`].
pub fn generate(seed: u64, pods: usize, nodes: usize) -> Result<Cluster, RecordingError> {
    let mut cluster = Cluster::example()?;
    let deployments = pods.div_ceil(REPLICAS);
    let namespaces = (deployments / 20).max(1);
    let maker = Maker { seed, nodes: nodes.max(1), namespaces };
    cluster.set("core/v1/namespaces", (0..namespaces).map(|n| maker.namespace(n)));
    cluster.set("core/v1/nodes", (0..nodes).map(|n| maker.node(n)));
    cluster.set("apps/v1/deployments", (0..deployments).map(|n| maker.deployment(n)));
    cluster.set("apps/v1/replicasets", (0..deployments).map(|n| maker.replica_set(n)));
    cluster.set("core/v1/pods", (0..pods).map(|n| maker.pod(n)));
    Ok(cluster)
}

struct Maker {
    seed: u64,
    nodes: usize,
    namespaces: usize,
}

impl Maker {
    /// A number that follows from the seed, a letter and a count (SplitMix64).
    fn number(&self, what: u8, n: usize) -> u64 {
        let mut x = self.seed ^ (u64::from(what) << 56) ^ n as u64;
        x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn uid(&self, what: u8, n: usize) -> String {
        let (a, b) = (self.number(what, n), self.number(what, n + (1 << 40)));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            (b >> 52) & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }

    fn meta(&self, what: u8, n: usize, name: &str, namespace: Option<&str>) -> Value {
        let mut meta = json!({
            "name": name, "uid": self.uid(what, n),
            "resourceVersion": (1000 + n).to_string(), "generation": 1,
            "creationTimestamp": "2026-11-22T07:21:45Z",
        });
        if let (Some(meta), Some(namespace)) = (meta.as_object_mut(), namespace) {
            meta.insert("namespace".to_owned(), namespace.into());
        }
        meta
    }

    fn namespace_of(&self, deployment: usize) -> String {
        format!("team-{:04}", deployment % self.namespaces)
    }

    fn namespace(&self, n: usize) -> Value {
        json!({
            "metadata": self.meta(b'n', n, &format!("team-{n:04}"), None),
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        })
    }

    fn node(&self, n: usize) -> Value {
        let mut meta = self.meta(b'k', n, &format!("node-{n:04}"), None);
        if let Some(meta) = meta.as_object_mut() {
            meta.insert(
                "labels".to_owned(),
                json!({
                    "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
                    "kubernetes.io/hostname": format!("node-{n:04}"),
                    "topology.kubernetes.io/region": "regio-a",
                    "topology.kubernetes.io/zone": format!("zone-{}", n % 3 + 1),
                }),
            );
        }
        let condition = |kind: &str, status: &str| {
            json!({"type": kind, "status": status, "reason": format!("Kubelet{kind}"),
                "lastHeartbeatTime": "2026-11-22T07:22:12Z",
                "lastTransitionTime": "2026-11-22T07:22:12Z", "message": "kubelet says so"})
        };
        let images: Vec<Value> = (0..20)
            .map(|i| {
                let digest = self.number(b'i', i);
                json!({"names": [format!("registry.example/app-{i}@sha256:{digest:064x}"),
                    format!("registry.example/app-{i}:1.{i}")], "sizeBytes": digest >> 36})
            })
            .collect();
        json!({
            "metadata": meta,
            "spec": {"podCIDR": format!("10.{}.{}.0/24", n / 256, n % 256),
                "providerID": format!("openstack:///{}", self.uid(b'k', n))},
            "status": {
                "capacity": {"cpu": "16", "memory": "65860664Ki", "pods": "110"},
                "allocatable": {"cpu": "15", "memory": "64860664Ki", "pods": "110"},
                "conditions": [condition("MemoryPressure", "False"),
                    condition("DiskPressure", "False"), condition("PIDPressure", "False"),
                    condition("Ready", "True")],
                "images": images,
                "nodeInfo": {"kubeletVersion": "v1.36.2", "architecture": "amd64",
                    "operatingSystem": "linux", "machineID": format!("{:032x}", self.number(b'm', n))},
            },
        })
    }

    fn template(n: usize) -> Value {
        let name = format!("app-{n:05}");
        json!({
            "metadata": {"labels": {"app.kubernetes.io/name": name}},
            "spec": {
                "containers": [{
                    "name": "app", "image": format!("registry.example/app-{}:1.{}", n % 50, n % 7),
                    "ports": [{"containerPort": 8080, "protocol": "TCP", "name": "http"}],
                    "env": [{"name": "LOG_LEVEL", "value": "info"},
                        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                    "resources": {"limits": {"memory": "256Mi"},
                        "requests": {"cpu": "100m", "memory": "128Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"},
                        "timeoutSeconds": 1, "periodSeconds": 10},
                    "securityContext": {"allowPrivilegeEscalation": n.is_multiple_of(9),
                        "runAsNonRoot": !n.is_multiple_of(4), "capabilities": {"drop": ["ALL"]}},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent",
                }],
                "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
                "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
                "serviceAccount": "default", "schedulerName": "default-scheduler",
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            },
        })
    }

    fn workload(&self, what: u8, n: usize, name: &str) -> Value {
        let app = format!("app-{n:05}");
        json!({
            "metadata": self.meta(what, n, name, Some(&self.namespace_of(n))),
            "spec": {"replicas": REPLICAS,
                "selector": {"matchLabels": {"app.kubernetes.io/name": app}},
                "template": Self::template(n)},
            "status": {"replicas": REPLICAS, "readyReplicas": REPLICAS, "observedGeneration": 1},
        })
    }

    fn deployment(&self, n: usize) -> Value {
        self.workload(b'd', n, &format!("app-{n:05}"))
    }

    fn hash(&self, n: usize) -> String {
        format!("{:010x}", self.number(b'h', n) >> 24)
    }

    fn replica_set(&self, n: usize) -> Value {
        let mut set = self.workload(b'r', n, &format!("app-{n:05}-{}", self.hash(n)));
        if let Some(meta) = set.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            meta.insert(
                "ownerReferences".to_owned(),
                json!([{
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": format!("app-{n:05}"),
                    "uid": self.uid(b'd', n), "controller": true, "blockOwnerDeletion": true,
                }]),
            );
        }
        set
    }

    fn pod(&self, n: usize) -> Value {
        let of = n / REPLICAS;
        let set = format!("app-{of:05}-{}", self.hash(of));
        let name = format!("{set}-{:05x}", self.number(b'p', n) & 0xf_ffff);
        let mut meta = self.meta(b'p', n, &name, Some(&self.namespace_of(of)));
        let mut template = Self::template(of);
        let mut spec = template.get_mut("spec").map(Value::take).unwrap_or_default();
        let labels = template.pointer_mut("/metadata/labels").map(Value::take);
        if let (Some(meta), Some(spec)) = (meta.as_object_mut(), spec.as_object_mut()) {
            meta.insert("generateName".to_owned(), format!("{set}-").into());
            meta.insert("labels".to_owned(), labels.unwrap_or_default());
            meta.insert(
                "ownerReferences".to_owned(),
                json!([{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set,
                    "uid": self.uid(b'r', of), "controller": true, "blockOwnerDeletion": true,
                }]),
            );
            meta.insert("managedFields".to_owned(), managed_fields());
            spec.insert("nodeName".to_owned(), format!("node-{:04}", n % self.nodes).into());
            spec.insert("priority".to_owned(), 0.into());
            spec.insert(
                "tolerations".to_owned(),
                json!([
                    {"key": "node.kubernetes.io/not-ready", "operator": "Exists",
                        "effect": "NoExecute", "tolerationSeconds": 300},
                    {"key": "node.kubernetes.io/unreachable", "operator": "Exists",
                        "effect": "NoExecute", "tolerationSeconds": 300},
                ]),
            );
            spec.insert(
                "volumes".to_owned(),
                json!([{"name": "kube-api-access", "projected": {
                "defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                ]}}]),
            );
        }
        let condition = |kind: &str| {
            json!({"type": kind, "status": "True", "lastProbeTime": null, "observedGeneration": 1,
                "lastTransitionTime": "2026-11-22T07:21:48Z"})
        };
        let container = self.number(b'c', n);
        json!({
            "metadata": meta, "spec": spec,
            "status": {
                "phase": "Running", "qosClass": "Burstable", "startTime": "2026-11-22T07:21:48Z",
                "conditions": [condition("PodReadyToStartContainers"), condition("Initialized"),
                    condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
                "hostIP": format!("10.8.0.{}", n % 250), "podIP": format!("10.200.{}.{}", n / 250 % 250, n % 250),
                "containerStatuses": [{"name": "app", "ready": true, "started": true,
                    "restartCount": n % 3, "lastState": {},
                    "state": {"running": {"startedAt": "2026-11-22T07:21:48Z"}},
                    "image": "registry.example/app",
                    "imageID": format!("registry.example/app@sha256:{container:064x}"),
                    "containerID": format!("containerd://{container:064x}")}],
            },
        })
    }
}

/// Who set which member: as much of it as pods usually have.
fn managed_fields() -> Value {
    let fields = |names: &[&str]| {
        let all: serde_json::Map<String, Value> =
            names.iter().map(|n| (format!("f:{n}"), json!({".": {}, "f:type": {}}))).collect();
        Value::Object(all)
    };
    let spec = fields(&[
        "containers",
        "dnsPolicy",
        "enableServiceLinks",
        "restartPolicy",
        "schedulerName",
        "securityContext",
        "serviceAccount",
        "terminationGracePeriodSeconds",
        "tolerations",
        "volumes",
        "env",
        "image",
        "imagePullPolicy",
        "ports",
        "readinessProbe",
        "resources",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "labels",
        "generateName",
    ]);
    let status = fields(&[
        "conditions",
        "containerStatuses",
        "hostIP",
        "hostIPs",
        "phase",
        "podIP",
        "podIPs",
        "startTime",
        "observedGeneration",
        "qosClass",
    ]);
    json!([
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
            "time": "2026-11-22T07:21:45Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}},
        {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "subresource": "status",
            "time": "2026-11-22T07:22:12Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": status}},
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_cluster() {
        let [a, b, c] = [1, 1, 2].map(|seed| generate(seed, 20, 3).unwrap());
        let text =
            |c: &Cluster| c.lists["core/v1/pods"].iter().map(|p| p.get()).collect::<String>();
        assert_eq!(text(&a), text(&b));
        assert_ne!(text(&a), text(&c));
        assert!((4000..8000).contains(&(text(&a).len() / 20)), "{}", text(&a).len() / 20);
    }
}
