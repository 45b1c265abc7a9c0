//! One shape for the pod specs of all kinds.

use serde_json::{Map, Value, json};

use super::source::Source;

/// A pod spec with its containers by name.
pub(super) struct Pod {
    /// Where it is in its source.
    path: String,
    /// Without the lists of containers.
    pub(super) spec: Map<String, Value>,
    pub(super) containers: Map<String, Value>,
    pub(super) annotations: Map<String, Value>,
}

/// What is known of a Pod that templates do not have.
#[derive(Clone, Copy)]
pub(super) struct Made<'s> {
    /// The kind of its controller.
    pub(super) by: Option<&'s str>,
    pub(super) name: &'s str,
}

const LISTS: [(&str, &str); 3] =
    [("containers", "container"), ("initContainers", "init"), ("ephemeralContainers", "ephemeral")];

/// Labels that controllers and admission write on each pod.
const OWN_LABELS: [&str; 12] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// Annotations that controllers, the network and clients write on each pod;
/// one that ends in `/` is a prefix.
const OWN_ANNOTATIONS: [&str; 13] = [
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
    "batch.kubernetes.io/job-completion-index",
    "cni.projectcalico.org/",
    "k8s.ovn.org/",
    "k8s.v1.cni.cncf.io/network-status",
    "k8s.v1.cni.cncf.io/networks-status",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "kubernetes.io/config.hash",
    "kubernetes.io/config.mirror",
    "kubernetes.io/config.seen",
    "kubernetes.io/config.source",
    "kubernetes.io/limit-ranger",
];

const MIRROR: &str = "kubernetes.io/config.mirror";

/// Tolerations that controllers and admission add by themselves.
const OWN_TOLERATIONS: [&str; 7] = [
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
];

/// What a projected volume of the service account's own token consists of.
const TOKEN_SOURCES: [&str; 3] = ["configMap", "downwardAPI", "serviceAccountToken"];

/// Reads the pod spec at `path`; `made` is given for a Pod. An error is one
/// clause with the pointer that is wrong.
pub(super) fn read(
    mut spec: Map<String, Value>,
    annotations: Map<String, Value>,
    path: String,
    made: Option<Made<'_>>,
) -> Result<Pod, String> {
    let mut containers = Map::new();
    for (list, kind) in LISTS {
        let all = match spec.remove(list) {
            Some(Value::Array(all)) => all,
            Some(Value::Null) | None if list != "containers" => continue,
            Some(_) => return Err(format!("`{path}/{list}` is not a list")),
            None => return Err(format!("`{path}/{list}` is not there")),
        };
        for (n, container) in all.into_iter().enumerate() {
            let at = format!("{path}/{list}/{n}");
            let Value::Object(mut container) = container else {
                return Err(format!("`{at}` is not an object"));
            };
            let Some(Value::String(name)) = container.get("name").cloned() else {
                return Err(format!("`{at}/name` is not text"));
            };
            container.insert("path".to_owned(), Value::String(at.clone()));
            container.insert("type".to_owned(), Value::String(kind.to_owned()));
            if containers.insert(name, Value::Object(container)).is_some() {
                return Err(format!("`{at}/name` is that of another container"));
            }
        }
    }
    let account = match (spec.remove("serviceAccount"), spec.remove("serviceAccountName")) {
        (_, Some(name)) | (Some(name), None) if name != "" => name,
        (_, _) => json!("default"),
    };
    spec.insert("serviceAccountName".to_owned(), account);
    for name in ["nodeName", "priority"] {
        spec.remove(name);
    }
    for (name, default) in
        [("enableServiceLinks", json!(true)), ("preemptionPolicy", json!("PreemptLowerPriority"))]
    {
        if spec.get(name) == Some(&default) {
            spec.remove(name);
        }
    }
    keep(&mut spec, "tolerations", &|t| {
        let key = t.get("key").and_then(Value::as_str).unwrap_or_default();
        !(OWN_TOLERATIONS.contains(&key) && t.get("operator") == Some(&json!("Exists")))
    });
    let mut pod = Pod { path, spec, containers, annotations };
    if let Some(made) = made {
        pod.less_what_was_added(made);
    }
    pod.sort();
    Ok(pod)
}

/// Keeps some items of a list, and the list only if it has any left.
fn keep(object: &mut Map<String, Value>, list: &str, wanted: &dyn Fn(&Value) -> bool) {
    let Some(Value::Array(items)) = object.get_mut(list) else { return };
    items.retain(wanted);
    if items.is_empty() {
        object.remove(list);
    }
}

impl Pod {
    /// Brings members into order: what was taken out and put in must leave no
    /// trace, or equal pods would differ as texts. Maps of serde_json keep the
    /// order of insertion if anything in the build wants it.
    fn sort(&mut self) {
        self.spec.sort_keys();
        self.containers.sort_keys();
        for container in self.containers.values_mut().filter_map(Value::as_object_mut) {
            container.sort_keys();
        }
    }

    /// Takes away what admission and controllers add to a pod that its
    /// template does not have, and that differs from pod to pod.
    fn less_what_was_added(&mut self, made: Made<'_>) {
        let volumes = self.spec.get("volumes").and_then(Value::as_array);
        let added: Vec<String> = volumes
            .into_iter()
            .flatten()
            .filter(|v| is_own_token(v))
            .filter_map(|v| Some(v.get("name")?.as_str()?.to_owned()))
            .collect();
        let name_of =
            |v: &Value| v.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let claimed = |v: &Value| {
            let claim = v.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str);
            made.by == Some("StatefulSet")
                && claim == Some(&format!("{}-{}", name_of(v), made.name))
        };
        keep(&mut self.spec, "volumes", &|v| !added.contains(&name_of(v)) && !claimed(v));
        for container in self.containers.values_mut().filter_map(Value::as_object_mut) {
            keep(container, "volumeMounts", &|m| !added.contains(&name_of(m)));
            if made.by == Some("Job") {
                keep(container, "env", &|e| name_of(e) != "JOB_COMPLETION_INDEX");
            }
        }
        if matches!(made.by, Some("StatefulSet" | "Job")) {
            self.spec.remove("hostname");
            self.spec.remove("subdomain");
        }
        if made.by == Some("DaemonSet") && is_bound_to_one_node(&self.spec) {
            self.spec.remove("affinity");
        }
    }

    /// Whether it shows a static pod of a kubelet.
    pub(super) fn is_mirror(&self) -> bool {
        self.annotations.contains_key(MIRROR)
    }

    /// The body of a `kubernetes.component`.
    pub(super) fn containers_body(&self) -> String {
        json!({"containers": self.containers}).to_string()
    }

    /// The body of the fact.
    pub(super) fn body(&self, source: &Source<'_>, minor: Option<u64>) -> String {
        let resource = &source.fact.resource;
        let kind = resource.kind.as_str().rsplit('.').next().unwrap_or_default();
        let less = |map: &Map<String, Value>, own: &[&str]| {
            let is_own = |key: &str| {
                own.iter().any(|o| *o == key || (o.ends_with('/') && key.starts_with(o)))
            };
            let kept = map.iter().filter(|(key, _)| !is_own(key));
            kept.map(|(k, v)| (k.clone(), v.clone())).collect::<Map<_, _>>()
        };
        json!({
            "annotations": less(&self.annotations, &OWN_ANNOTATIONS),
            "containers": self.containers,
            "controller": source.controller,
            "kind": kind,
            "labels": less(&source.labels, &OWN_LABELS),
            "minor": minor,
            "mirror": kind == "Pod" && self.is_mirror(),
            "namespace": resource.project,
            "path": self.path,
            "spec": self.spec,
        })
        .to_string()
    }
}

/// Whether a volume is the one that admission adds for the token of the pod's
/// service account: by name, and nothing else than such a token.
fn is_own_token(volume: &Value) -> bool {
    let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
    let suffix = name.strip_prefix("kube-api-access-");
    let random =
        suffix.is_some_and(|s| s.len() == 5 && s.bytes().all(|b| b.is_ascii_alphanumeric()));
    let plain = volume.as_object().is_some_and(|v| v.len() == 2);
    let sources = volume.pointer("/projected/sources").and_then(Value::as_array);
    let token = |s: &Value| {
        s.as_object().is_some_and(|s| s.keys().all(|k| TOKEN_SOURCES.contains(&k.as_str())))
    };
    random && plain && sources.is_some_and(|all| all.iter().all(token))
}

/// Whether an affinity is what the DaemonSet controller writes: nothing but the
/// names of nodes.
fn is_bound_to_one_node(spec: &Map<String, Value>) -> bool {
    let Some(Value::Object(affinity)) = spec.get("affinity") else { return false };
    let terms = affinity.get("nodeAffinity").and_then(|n| {
        n.pointer("/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")?.as_array()
    });
    let only_names =
        |t: &Value| t.as_object().is_some_and(|t| t.len() == 1 && t.contains_key("matchFields"));
    affinity.len() == 1 && terms.is_some_and(|all| all.iter().all(only_names))
}
