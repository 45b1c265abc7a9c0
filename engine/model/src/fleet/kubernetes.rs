//! Kubernetes, as far as a plan depends on it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Amounts;

/// Nodes, pods and disruption budgets, of one or more clusters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Pods that have to run somewhere.
    #[serde(default)]
    pub pods: Vec<Pod>,
    /// Disruption budgets.
    #[serde(default)]
    pub pdbs: Vec<Pdb>,
    /// Control planes that run on none of the nodes, as those of managed clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control_planes: Vec<ControlPlane>,
}

/// A control plane that runs on none of the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlPlane {
    /// Its cluster.
    pub id: String,
    /// Versions by component, such as `{"kube-apiserver": "v1.34.2"}`.
    pub components: BTreeMap<String, String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique among nodes.
    pub id: String,
    /// Its cluster; nodes and pods of different clusters have nothing to do with
    /// each other.
    #[serde(default)]
    pub cluster: String,
    /// The virtual machine that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vm: Option<String>,
    /// Its zone (`topology.kubernetes.io/zone`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its kubelet's version, such as `v1.34.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Versions of the other components of Kubernetes that run on it, such as
    /// `{"kube-apiserver": "v1.34.2"}`. One that is not named does not, but for the
    /// API server of a control plane, whose version is then not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, String>,
    /// Those of its components that talk to the API server on it and to no other.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub own_apiserver: BTreeSet<String>,
    /// What pods may ask for.
    #[serde(default)]
    pub allocatable: Amounts,
    /// Its taints.
    #[serde(default)]
    pub taints: Vec<Taint>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Whether it runs the control plane.
    #[serde(default)]
    pub control_plane: bool,
}

impl Node {
    /// The version of a component on it, if it is known.
    #[must_use]
    pub fn version_of(&self, component: &str) -> Option<&str> {
        match component {
            "kubelet" => self.version.as_deref(),
            other => self.components.get(other).map(String::as_str),
        }
    }

    /// Notes the version that a component on it has now.
    pub fn set_version(&mut self, component: &str, version: &str) {
        match component {
            "kubelet" => self.version = Some(version.to_owned()),
            other => drop(self.components.insert(other.to_owned(), version.to_owned())),
        }
    }

    /// Whether a component runs on it, whatever its version.
    #[must_use]
    pub fn runs(&self, component: &str) -> bool {
        match component {
            "kubelet" => true,
            "kube-apiserver" if self.control_plane => true,
            other => self.components.contains_key(other),
        }
    }
}

/// A taint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `NoExecute` or `PreferNoSchedule`.
    pub effect: String,
}

/// What taint a pod bears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toleration {
    /// The key; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Exists` or `Equal`.
    #[serde(default = "equal")]
    pub operator: String,
    /// The value, for `Equal`.
    #[serde(default)]
    pub value: String,
    /// The effect; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

fn equal() -> String {
    "Equal".to_owned()
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Unique among pods.
    pub id: String,
    /// The node it runs on.
    pub node: String,
    /// What it asks for.
    #[serde(default)]
    pub requests: Amounts,
    /// What replaces it when it is evicted; a pod without owner is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Labels that its node must have.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// The taints it bears.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// Spread constraints that must hold (`DoNotSchedule`).
    #[serde(default)]
    pub spread: Vec<Spread>,
    /// Pods with all of these labels must not share its node, a set each.
    #[serde(default)]
    pub anti_affinity: Vec<BTreeMap<String, String>>,
    /// The zone that its volumes are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes_zone: Option<String>,
}

/// A topology spread constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// The node label whose values are the domains.
    pub topology_key: String,
    /// The most by which two domains may differ, at least 1.
    pub max_skew: u32,
    /// The pods that are counted: those with all of these labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A disruption budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pdb {
    /// Unique among budgets.
    pub id: String,
    /// The pods it covers.
    pub pods: Vec<String>,
    /// How many of them may be evicted at a time.
    pub disruptions_allowed: u32,
}
