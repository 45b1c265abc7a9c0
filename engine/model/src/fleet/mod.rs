//! A fleet: the hosts that are to be updated and what runs on them, as planner
//! and checker are given it.
//!
//! `tidegate.fleet/v1`, `schemas/fleet.schema.json`. A fleet is extracted from
//! snapshots, or written by another tool. Entities refer to each other by id;
//! [`Fleet::check`] finds references that lead nowhere, which would silently
//! make a fleet look safer than it is.

mod amount;
mod check;
mod digest;
mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use amount::Amount;
pub use check::FleetProblem;
pub use kubernetes::{Cluster, ControlPlane, Node, Pdb, Pod, Spread, Taint, Toleration};

use crate::Timestamp;

/// Amounts by resource class, such as `vcpu`, `memory_mib`, `disk_gib`.
pub type Amounts = BTreeMap<String, Amount>;

/// Everything that a plan depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// `tidegate.fleet/v1`.
    pub schema: String,
    /// As of when all of it is true.
    pub taken_at: Timestamp,
    /// Availability zones; every host stands in one.
    pub zones: Vec<String>,
    /// Hosts, in any order.
    pub hosts: Vec<Host>,
    /// Virtual machines.
    #[serde(default)]
    pub vms: Vec<Vm>,
    /// Server groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Clusters that need a majority of their members.
    #[serde(default)]
    pub quorums: Vec<Quorum>,
    /// Ceph, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceph: Option<Ceph>,
    /// Kubernetes, on the fleet's machines or beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<Cluster>,
}

/// A machine that can be drained, updated and restarted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Unique among hosts.
    pub id: String,
    /// Its availability zone.
    pub zone: String,
    /// Hosts of one pool are counted together in `max_unavailable`.
    #[serde(default = "default_pool")]
    pub pool: String,
    /// Its failure domain, such as a rack; the host itself if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What it does: `compute`, `control`, `network`, `storage`.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// Whether it runs and takes new work.
    #[serde(default)]
    pub state: HostState,
    /// Versions by component, such as `{"nova": "2025.1"}`.
    #[serde(default)]
    pub version: BTreeMap<String, String>,
    /// Physical capacity.
    #[serde(default)]
    pub capacity: Amounts,
    /// What of it is kept from virtual machines.
    #[serde(default)]
    pub reserved: Amounts,
    /// Overcommitment by class; 1 where absent.
    #[serde(default)]
    pub ratio: BTreeMap<String, f64>,
    /// What it can do (Placement traits).
    #[serde(default)]
    pub traits: BTreeSet<String>,
    /// Host aggregates it is in.
    #[serde(default)]
    pub aggregates: BTreeSet<String>,
    /// How many migrations it bears at a time.
    #[serde(default)]
    pub max_migrations: MaxMigrations,
}

fn default_pool() -> String {
    "default".to_owned()
}

impl Host {
    /// Its failure domain: the one named, or itself.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.domain.as_deref().unwrap_or(&self.id)
    }

    /// What virtual machines may use of a class: (capacity − reserved) · ratio,
    /// rounded down; nothing of a class it does not have.
    ///
    /// Source: Placement API reference, resource provider inventories.
    #[must_use]
    pub fn usable(&self, class: &str) -> Amount {
        let capacity = self.capacity.get(class).copied().unwrap_or_default();
        let reserved = self.reserved.get(class).copied().unwrap_or_default();
        let free = (capacity - reserved).max(Amount::default());
        free.times(self.ratio.get(class).copied().unwrap_or(1.0))
    }
}

/// Whether a host runs and takes new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostState {
    /// It runs and takes new work.
    #[default]
    Up,
    /// It does not run. Nothing can be moved from or to it.
    Down,
    /// It runs and takes nothing new: an operator's cordon, which stays.
    Disabled,
}

/// How many migrations a host bears at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxMigrations {
    /// Coming in, at least 1.
    #[serde(rename = "in", default = "one")]
    pub incoming: u32,
    /// Going out, at least 1.
    #[serde(rename = "out", default = "one")]
    pub outgoing: u32,
}

/// Nova's `max_concurrent_live_migrations` defaults to 1.
impl Default for MaxMigrations {
    fn default() -> Self {
        Self { incoming: 1, outgoing: 1 }
    }
}

fn one() -> u32 {
    1
}

/// A virtual machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vm {
    /// Unique among virtual machines.
    pub id: String,
    /// The host it is on.
    pub host: String,
    /// The host it was already moving to when the facts were taken; it counts on
    /// both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrating_to: Option<String>,
    /// What it is allotted.
    #[serde(default)]
    pub demand: Amounts,
    /// Its state.
    #[serde(default)]
    pub state: VmState,
    /// Traits that its host must have.
    #[serde(default)]
    pub requires: BTreeSet<String>,
    /// Traits that its host must not have.
    #[serde(default)]
    pub forbids: BTreeSet<String>,
    /// Its host must be in all of these aggregates.
    #[serde(default)]
    pub aggregates: BTreeSet<String>,
    /// Whether it must stay in its zone; yes unless something says otherwise.
    #[serde(default = "yes")]
    pub zone_pinned: bool,
    /// How it can be moved.
    #[serde(default)]
    pub migratable: Migratable,
    /// Why it cannot be moved live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn yes() -> bool {
    true
}

/// The state of a virtual machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VmState {
    /// Runs; can be moved live.
    #[default]
    Active,
    /// Paused; can be moved live.
    Paused,
    /// Shut off; can be moved cold only.
    Shutoff,
    /// Broken; cannot be moved.
    Error,
    /// Anything else, such as a task under way; cannot be moved.
    Other,
}

/// How a virtual machine can be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Migratable {
    /// While it runs, or cold while it is shut off.
    #[default]
    Live,
    /// Only by stopping it, which its owner has accepted.
    Cold,
    /// Not at all.
    No,
}

/// A server group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Unique among groups.
    pub id: String,
    /// What it asks for.
    pub policy: GroupPolicy,
    /// For anti-affinity: how many members one host may have, at least 1.
    #[serde(default = "one")]
    pub max_per_host: u32,
    /// Virtual machines.
    pub members: Vec<String>,
}

/// What a server group asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupPolicy {
    /// Members on different hosts.
    AntiAffinity,
    /// Members on one host. Nova cannot move such a group live: its filter
    /// admits only hosts that have members already.
    Affinity,
    /// Different hosts if possible.
    SoftAntiAffinity,
    /// One host if possible.
    SoftAffinity,
}

/// A cluster that needs a majority of its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Unique among quorums.
    pub id: String,
    /// What it is.
    pub kind: QuorumKind,
    /// Where its members run.
    pub members: Vec<Member>,
    /// The member that leads, restarted last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<Member>,
    /// The members that are up and in step. None may be stopped while one that
    /// is not in here exists.
    pub synced: Vec<Member>,
}

/// What a quorum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuorumKind {
    /// etcd.
    Etcd,
    /// MariaDB with Galera.
    Galera,
    /// RabbitMQ quorum queues.
    Rabbitmq,
    /// Ceph monitors.
    CephMon,
    /// OVN's northbound or southbound database.
    Ovn,
}

/// Where a member of a quorum runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Member {
    /// On a host.
    Host(String),
    /// In a virtual machine.
    Vm(String),
}

/// A Ceph cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ceph {
    /// Its OSDs.
    pub osds: Vec<Osd>,
    /// Its pools.
    pub pools: Vec<CephPool>,
    /// Its placement groups.
    pub pgs: Vec<Pg>,
}

/// An OSD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Osd {
    /// Unique among OSDs.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// Its CRUSH failure domain; the host if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// A pool of a Ceph cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CephPool {
    /// Unique among pools.
    pub id: String,
    /// Copies or shards of each object.
    pub size: u32,
    /// With fewer up, its placement groups stop serving.
    pub min_size: u32,
}

/// A placement group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pg {
    /// Unique among placement groups.
    pub id: String,
    /// Its pool.
    pub pool: String,
    /// The OSDs that serve it.
    pub acting: Vec<String>,
    /// Whether it is active and clean.
    pub clean: bool,
}

impl Fleet {
    /// The name and version of the shape.
    pub const SCHEMA: &'static str = "tidegate.fleet/v1";
}
