//! What a snapshot can be asked, and what a collection hands over.

use std::sync::Arc;

use crate::{Kind, KindCoverage, Resource, ResourceKey, SnapshotId, Timestamp};

/// What a collector hands over as it goes. Pages may come in any order and
/// from several kinds at once; the coverage of a kind comes after its last
/// page.
#[derive(Debug)]
pub enum Collected {
    /// Some resources.
    Page(Vec<Resource>),
    /// A kind in a region is done, one way or another.
    Coverage(KindCoverage),
}

/// The head of a snapshot: everything but the resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotMeta {
    /// Subject and number.
    pub id: SnapshotId,
    /// When collecting began; the reference time of rules.
    pub taken_at: Timestamp,
    /// Per source, region and kind.
    pub coverage: Vec<KindCoverage>,
}

impl SnapshotMeta {
    /// The coverage entries of one kind, all regions.
    pub fn coverage_of<'a>(&'a self, kind: &'a Kind) -> impl Iterator<Item = &'a KindCoverage> {
        self.coverage.iter().filter(move |c| c.kind == *kind)
    }
}

/// A resource as it stands in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The newest version known.
    pub resource: Resource,
    /// Set if the snapshot's own collection did not see it although it may
    /// still be there: the time it was last seen.
    pub unseen_since: Option<Timestamp>,
}

/// One difference between two snapshots of a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The resource.
    pub key: ResourceKey,
    /// Its kind.
    pub kind: Kind,
    /// What happened to it last.
    pub op: ChangeOp,
}

/// What can happen to a resource between two snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeOp {
    /// New, or its body changed.
    Put,
    /// Gone.
    Remove,
    /// No longer seen, though it may still be there.
    Unseen,
    /// Seen again, unchanged.
    Seen,
}

/// A snapshot could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot read snapshot `{snapshot}`")]
pub struct FactsError {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// What went wrong below.
    #[source]
    pub source: Arc<dyn std::error::Error + Send + Sync>,
}

/// Read access to one snapshot, the shape in which the policy engine and the
/// planner are given facts. Calls may block on storage: not for use on an
/// asynchronous executor's own threads.
pub trait Facts: Sync {
    /// The head of the snapshot.
    fn meta(&self) -> &SnapshotMeta;

    /// Hands every resource of a kind to `visit`, in order of key bytes, one
    /// at a time, unseen ones included.
    ///
    /// # Errors
    /// [`FactsError`] if storage fails or a value does not have its hash.
    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError>;

    /// Hands the resources with these keys to `visit`, in any order; keys that
    /// the snapshot does not hold are left out.
    ///
    /// # Errors
    /// As [`Facts::each`].
    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError>;

    /// What changed from snapshot `seq` of the same subject to this one, by
    /// key, each key once. `None` if that cannot be told (`seq` is not before
    /// this snapshot, or its history is gone).
    ///
    /// # Errors
    /// As [`Facts::each`].
    fn changes_since(&self, seq: u64) -> Result<Option<Vec<Change>>, FactsError>;

    /// The same subject at an earlier snapshot, if it can be read.
    ///
    /// # Errors
    /// As [`Facts::each`].
    fn at(&self, seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError>;
}
