//! What is read of the bodies that the Kubernetes API gives.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use tidegate_model::fleet::{Amounts, Taint, Toleration};

use super::amounts;
use super::quantity::Round;
use super::selector::{LabelSelector, Map, NodeSelector};

/// Null for what is empty.
fn empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: String,
    #[serde(deserialize_with = "empty")]
    pub(super) labels: Map,
    #[serde(deserialize_with = "empty")]
    annotations: Map,
    owner_references: Vec<Owner>,
    generation: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner {
    kind: String,
    name: String,
    controller: bool,
}

impl Metadata {
    /// `namespace/name`.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// What would replace it, as `Kind/name`.
    pub(super) fn controller(&self) -> Option<String> {
        let owner = self.owner_references.iter().find(|o| o.controller)?;
        Some(format!("{}/{}", owner.kind, owner.name))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    what: String,
    status: String,
}

fn ready(conditions: &[Condition]) -> bool {
    conditions.iter().any(|c| c.what == "Ready" && c.status == "True")
}

/// `core.Node`.
#[derive(Debug, Deserialize)]
pub(super) struct NodeBody {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: NodeSpec,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: String,
    pub(super) taints: Vec<Taint>,
    pub(super) unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeStatus {
    allocatable: BTreeMap<String, String>,
    conditions: Vec<Condition>,
    node_info: NodeInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeInfo {
    kubelet_version: Option<String>,
}

impl NodeBody {
    /// The server that it is, from `openstack:///ID` or `openstack://REGION/ID`.
    pub(super) fn server(&self) -> Option<&str> {
        let rest = self.spec.provider_id.strip_prefix("openstack://")?;
        rest.rsplit('/').next().filter(|id| !id.is_empty())
    }

    /// Whether nothing says which machine of which provider it is.
    pub(super) fn is_placed_nowhere(&self) -> bool {
        self.spec.provider_id.is_empty()
    }

    pub(super) fn ready(&self) -> bool {
        ready(&self.status.conditions)
    }

    pub(super) fn kubelet(&self) -> Option<&str> {
        self.status.node_info.kubelet_version.as_deref()
    }

    pub(super) fn allocatable(&self) -> Option<Amounts> {
        amounts(&self.status.allocatable, Round::Down)
    }
}

/// Components of Kubernetes that may run as pods.
const COMPONENTS: [&str; 5] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "cloud-controller-manager",
    "kube-proxy",
];

/// `core.Pod`.
#[derive(Debug, Deserialize)]
pub(super) struct PodBody {
    pub(super) metadata: Metadata,
    pub(super) spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: String,
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) node_name: String,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    overhead: BTreeMap<String, String>,
    resources: Option<Resources>,
    pub(super) node_selector: Map,
    pub(super) tolerations: Vec<Toleration>,
    pub(super) affinity: Affinity,
    pub(super) topology_spread_constraints: Vec<SpreadConstraint>,
    pub(super) volumes: Vec<Volume>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    image: String,
    resources: Resources,
    restart_policy: String,
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Port {
    host_port: u16,
    protocol: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Affinity {
    pub(super) node_affinity: Required<NodeSelector>,
    pub(super) pod_affinity: Required<Vec<PodTerm>>,
    pub(super) pod_anti_affinity: Required<Vec<PodTerm>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "T: Deserialize<'de> + Default")]
pub(super) struct Required<T> {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub(super) required: Option<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodTerm {
    pub(super) label_selector: Option<LabelSelector>,
    pub(super) namespaces: Vec<String>,
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) topology_key: String,
    pub(super) match_label_keys: Vec<String>,
    pub(super) mismatch_label_keys: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SpreadConstraint {
    pub(super) max_skew: u32,
    pub(super) topology_key: String,
    pub(super) when_unsatisfiable: String,
    pub(super) label_selector: Option<LabelSelector>,
    pub(super) match_label_keys: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Volume {
    name: String,
    persistent_volume_claim: Option<ClaimRef>,
    ephemeral: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimRef {
    claim_name: String,
}

impl PodBody {
    /// Whether it takes room on a node.
    pub(super) fn runs(&self) -> bool {
        !self.spec.node_name.is_empty()
            && !matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether the kubelet runs it by itself.
    pub(super) fn is_static(&self) -> bool {
        self.metadata.annotations.contains_key("kubernetes.io/config.mirror")
            || self.metadata.owner_references.iter().any(|o| o.kind == "Node")
    }

    pub(super) fn is_etcd(&self) -> bool {
        self.metadata.namespace == "kube-system"
            && self.metadata.labels.get("component").is_some_and(|c| c == "etcd")
    }

    /// The component of Kubernetes that it is, and what its image says of the
    /// version: kubeadm and those after it label static pods with `component` and
    /// kube-proxy with `k8s-app`.
    pub(super) fn component(&self) -> Option<(&'static str, &str)> {
        let Metadata { namespace, labels, .. } = &self.metadata;
        let label = |key: &str| labels.get(key).map(String::as_str);
        let names = [label("component"), label("k8s-app"), label("app.kubernetes.io/name")];
        let is = |c: &&&str| {
            names.iter().flatten().any(|n| n.strip_prefix("openstack-").unwrap_or(n) == **c)
        };
        let component = COMPONENTS.iter().find(is).filter(|_| namespace == "kube-system")?;
        let containers = &self.spec.containers;
        let container = containers.iter().find(|c| c.name == *component).or(containers.first())?;
        let tagged = container.image.split_once('@').map_or(container.image.as_str(), |(t, _)| t);
        let name = tagged.rsplit('/').next().unwrap_or(tagged);
        Some((component, name.split_once(':').map_or("", |(_, tag)| tag)))
    }

    pub(super) fn ready(&self) -> bool {
        ready(&self.status.conditions)
    }

    /// The claims of its volumes.
    pub(super) fn claims(&self) -> impl Iterator<Item = String> {
        self.spec.volumes.iter().filter_map(|v| match (&v.persistent_volume_claim, &v.ephemeral) {
            (Some(claim), _) => Some(claim.claim_name.clone()),
            (None, Some(_)) => Some(format!("{}-{}", self.metadata.name, v.name)),
            (None, None) => None,
        })
    }

    /// The ports of its node that it takes, such as `TCP/80`.
    pub(super) fn host_ports(&self) -> impl Iterator<Item = String> {
        let all = self.spec.containers.iter().flat_map(|c| &c.ports);
        all.filter(|p| p.host_port > 0)
            .map(|p| format!("{}/{}", p.protocol.as_deref().unwrap_or("TCP"), p.host_port))
    }

    /// What the scheduler counts: the containers and the init containers that stay,
    /// or what an init container needs beside those that stay before it, whichever
    /// is more; at least what the pod asks for as a whole; and its overhead.
    ///
    /// Source: Kubernetes, "Sidecar containers", resource sharing within containers.
    pub(super) fn requests(&self) -> Option<Amounts> {
        let of = |c: &Container| amounts(&c.resources.requests, Round::Up);
        let (mut most, mut staying) = (Amounts::new(), Amounts::new());
        for container in &self.spec.init_containers {
            let mut now = of(container)?;
            if container.restart_policy == "Always" {
                add(&mut staying, &now);
                now = staying.clone();
            } else {
                add(&mut now, &staying);
            }
            raise(&mut most, &now);
        }
        for container in &self.spec.containers {
            add(&mut staying, &of(container)?);
        }
        raise(&mut most, &staying);
        if let Some(whole) = &self.spec.resources {
            raise(&mut most, &amounts(&whole.requests, Round::Up)?);
        }
        add(&mut most, &amounts(&self.spec.overhead, Round::Up)?);
        Some(most)
    }
}

fn add(to: &mut Amounts, more: &Amounts) {
    for (class, amount) in more {
        *to.entry(class.clone()).or_default() += *amount;
    }
}

fn raise(to: &mut Amounts, other: &Amounts) {
    for (class, amount) in other {
        let most = to.entry(class.clone()).or_default();
        *most = (*most).max(*amount);
    }
}

/// `kubernetes.version`, the answer of `/version`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VersionBody {
    pub(super) git_version: String,
}

/// `core.PersistentVolumeClaim`.
#[derive(Debug, Deserialize)]
pub(super) struct Claim {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: ClaimSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ClaimSpec {
    pub(super) volume_name: String,
}

/// `core.PersistentVolume`.
#[derive(Debug, Deserialize)]
pub(super) struct VolumeBody {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: VolumeSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VolumeSpec {
    pub(super) node_affinity: VolumeAffinity,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VolumeAffinity {
    pub(super) required: Option<NodeSelector>,
}

/// `policy.PodDisruptionBudget`.
#[derive(Debug, Deserialize)]
pub(super) struct PdbBody {
    pub(super) metadata: Metadata,
    #[serde(default)]
    spec: PdbSpec,
    #[serde(default)]
    status: PdbStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PdbSpec {
    selector: Option<LabelSelector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PdbStatus {
    disruptions_allowed: i64,
    observed_generation: i64,
}

impl PdbBody {
    /// Whether it covers a pod: an empty selector all of its namespace, none no pod.
    pub(super) fn covers(&self, pod: &PodBody) -> bool {
        pod.metadata.namespace == self.metadata.namespace
            && self.spec.selector.as_ref().is_some_and(|s| s.selects(&pod.metadata.labels))
    }

    /// How many evictions it bears now; none while its status is of an older version
    /// of it, as the eviction API has it.
    pub(super) fn allowed(&self) -> u32 {
        if self.status.observed_generation < self.metadata.generation {
            return 0;
        }
        u32::try_from(self.status.disruptions_allowed.max(0)).unwrap_or(u32::MAX)
    }
}
