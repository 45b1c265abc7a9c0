//! From snapshots to a fleet: what planner and checker are given.
//!
//! ```text
//! &dyn Facts, one for each cloud and cluster ─▶ extract ─▶ Extracted{fleet, notes}
//!                                                  └─▶ ExtractError::Gaps
//! Extracted.fleet + what --facts says ─▶ merge ─▶ Fleet
//! ```
//! [`extract`] reads the [`KINDS`] of every snapshot and nothing else; which API
//! field becomes which fact is the table in `docs/planning.md`. What safety rests
//! on and was not seen is a [`Gap`]: there is no fleet then, since one that lacks
//! a port or a budget would look safer than it is. What a plan can do without is
//! a note.
//!
//! Nothing here plans, reads a clock, or knows where snapshots come from.

mod cloud;
mod cluster;
mod merge;
mod read;

use tidegate_model::fleet::Fleet;
use tidegate_model::{Facts, FactsError, SnapshotId, Timestamp};

pub use merge::{MergeError, merge};
pub use read::Gap;

use read::Reader;

/// The kinds that a fleet is read from: all that a gate has to collect afresh.
pub const KINDS: [&str; 17] = [
    "compute.service",
    "compute.hypervisor",
    "compute.aggregate",
    "compute.server",
    "compute.server_group",
    "compute.migration",
    "placement.resource_provider",
    "placement.inventory",
    "placement.trait",
    "placement.allocation",
    "network.port",
    "core.Node",
    "core.Pod",
    "core.PersistentVolumeClaim",
    "core.PersistentVolume",
    "policy.PodDisruptionBudget",
    "kubernetes.version",
];

/// A fleet, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    /// The fleet; it hangs together ([`Fleet::check`]).
    pub fleet: Fleet,
    /// The snapshots, in the order given.
    pub snapshots: Vec<SnapshotId>,
    /// What was left out or taken on conservative terms, a clause each.
    pub notes: Vec<String>,
}

/// No fleet can be told.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// A snapshot could not be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Something that safety rests on was not seen.
    #[error("the fleet cannot be told: {}", .0.first().map_or_else(String::new, ToString::to_string))]
    Gaps(Vec<Gap>),
}

/// Reads a fleet from one snapshot of each cloud and cluster.
///
/// Ids: hosts by the name of their compute service, virtual machines by UUID,
/// nodes by name, pods and budgets by `namespace/name`. With several regions or
/// clouds hosts and zones carry the region or cloud before a slash, with several
/// clusters nodes, pods and budgets carry theirs; a node that is no virtual
/// machine and has a host's name is that host. Lists are in order of id; the same
/// snapshots give the same fleet. It is as old as the oldest of them.
///
/// # Errors
/// [`ExtractError::Gaps`] with everything that was not seen.
pub fn extract(snapshots: &[&dyn Facts]) -> Result<Extracted, ExtractError> {
    let mut fleet = Fleet {
        schema: Fleet::SCHEMA.to_owned(),
        taken_at: snapshots
            .iter()
            .map(|s| s.meta().taken_at)
            .min()
            .unwrap_or(Timestamp::UNIX_EPOCH),
        zones: Vec::new(),
        hosts: Vec::new(),
        vms: Vec::new(),
        groups: Vec::new(),
        quorums: Vec::new(),
        ceph: None,
        kubernetes: None,
    };
    let mut readers: Vec<Reader<'_>> = snapshots.iter().map(|s| Reader::new(*s)).collect();
    let mut notes = Vec::new();
    cloud::add(&mut readers, &mut fleet, &mut notes)?;
    cluster::add(&mut readers, &mut fleet, &mut notes)?;
    for reader in &mut readers {
        if !reader.is_cloud() && !reader.is_cluster() {
            reader.gap("compute.service", None, "it is neither a cloud nor a cluster".to_owned());
        }
    }
    let gaps: Vec<Gap> = readers.into_iter().flat_map(Reader::into_gaps).collect();
    if !gaps.is_empty() {
        return Err(ExtractError::Gaps(gaps));
    }
    let snapshots = snapshots.iter().map(|s| s.meta().id.clone()).collect();
    Ok(Extracted { fleet, snapshots, notes })
}

#[cfg(test)]
mod tests;
