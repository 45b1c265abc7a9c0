//! Kubernetes, as far as a plan depends on it.

use std::collections::BTreeMap;

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
