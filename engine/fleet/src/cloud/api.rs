//! What is read of the bodies that Nova, Placement and Neutron give.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tidegate_model::fleet::GroupPolicy;

/// Tells a member that is null from one that is not there.
fn shown<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// `compute.service`.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    binary: String,
    pub(super) host: String,
    pub(super) zone: Option<String>,
    pub(super) status: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) forced_down: bool,
}

impl Service {
    pub(super) fn is_compute(&self) -> bool {
        self.binary == "nova-compute"
    }
}

/// `compute.hypervisor`, from microversion 2.53 on.
#[derive(Debug, Deserialize)]
pub(super) struct Hypervisor {
    pub(super) id: Value,
    #[serde(default)]
    pub(super) hypervisor_type: String,
    #[serde(default)]
    pub(super) hypervisor_version: u64,
    pub(super) service: HypervisorService,
}

#[derive(Debug, Deserialize)]
pub(super) struct HypervisorService {
    pub(super) host: String,
}

/// `compute.aggregate`.
#[derive(Debug, Deserialize)]
pub(super) struct Aggregate {
    pub(super) name: String,
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

/// `placement.resource_provider`.
#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    pub(super) uuid: String,
    /// Absent before 1.14, when there were no trees.
    pub(super) root_provider_uuid: Option<String>,
}

/// `placement.inventory`.
#[derive(Debug, Deserialize)]
pub(super) struct Inventories {
    pub(super) inventories: BTreeMap<String, Inventory>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Inventory {
    pub(super) total: i64,
    #[serde(default)]
    pub(super) reserved: i64,
    pub(super) allocation_ratio: f64,
}

/// `placement.trait`.
#[derive(Debug, Deserialize)]
pub(super) struct Traits {
    pub(super) traits: Vec<String>,
}

/// `placement.allocation`: of one provider, by consumer.
#[derive(Debug, Deserialize)]
pub(super) struct ProviderAllocations {
    pub(super) allocations: BTreeMap<String, ProviderAllocation>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ProviderAllocation {
    pub(super) resources: BTreeMap<String, i64>,
}

/// `compute.migration`.
#[derive(Debug, Deserialize)]
pub(super) struct Migration {
    /// From 2.59 on; what holds the allocation on the source.
    pub(super) uuid: Option<String>,
    pub(super) status: String,
    pub(super) source_compute: Option<String>,
    pub(super) dest_compute: Option<String>,
    pub(super) instance_uuid: String,
}

/// `compute.server`.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) tenant_id: String,
    #[serde(rename = "OS-EXT-STS:task_state", default)]
    pub(super) task_state: Option<String>,
    #[serde(rename = "OS-EXT-SRV-ATTR:host", default, deserialize_with = "shown")]
    pub(super) host: Option<Option<String>>,
    #[serde(default)]
    pub(super) locked: Option<bool>,
    pub(super) flavor: Flavor,
    #[serde(default, deserialize_with = "shown")]
    pub(super) pinned_availability_zone: Option<Option<String>>,
    #[serde(rename = "os-extended-volumes:volumes_attached", default)]
    pub(super) volumes: Vec<Value>,
}

/// The flavor as it was when the server was made; from 2.47 on.
#[derive(Debug, Deserialize)]
pub(super) struct Flavor {
    #[serde(default)]
    pub(super) vcpus: i64,
    #[serde(default)]
    pub(super) ram: i64,
    #[serde(default)]
    pub(super) disk: i64,
    #[serde(default)]
    pub(super) ephemeral: i64,
    #[serde(default)]
    pub(super) swap: Value,
    pub(super) extra_specs: Option<BTreeMap<String, String>>,
}

/// `compute.server_group`.
#[derive(Debug, Deserialize)]
pub(super) struct ServerGroup {
    pub(super) id: String,
    policy: Option<String>,
    /// Before 2.64 a list of one.
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    rules: Option<Value>,
    #[serde(default)]
    pub(super) members: Vec<String>,
}

impl ServerGroup {
    pub(super) fn policy(&self) -> Option<GroupPolicy> {
        match self.policy.as_ref().or(self.policies.first())?.as_str() {
            "anti-affinity" => Some(GroupPolicy::AntiAffinity),
            "affinity" => Some(GroupPolicy::Affinity),
            "soft-anti-affinity" => Some(GroupPolicy::SoftAntiAffinity),
            "soft-affinity" => Some(GroupPolicy::SoftAffinity),
            _ => None,
        }
    }

    /// `rules.max_server_per_host`, a number or a number in a text; 1 if absent.
    pub(super) fn max_per_host(&self) -> u32 {
        let rule = self.rules.as_ref().and_then(|r| r.get("max_server_per_host"));
        let number = rule.and_then(|v| match v {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        });
        number.and_then(|n: u64| u32::try_from(n).ok()).unwrap_or(1).max(1)
    }
}

/// `network.port`.
#[derive(Debug, Deserialize)]
pub(super) struct Port {
    pub(super) id: String,
    #[serde(default)]
    pub(super) device_id: String,
    #[serde(default)]
    pub(super) device_owner: String,
    #[serde(rename = "binding:vnic_type")]
    pub(super) vnic_type: Option<String>,
}
