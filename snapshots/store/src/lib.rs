//! The store of snapshots: immutable objects as the truth, an embedded index
//! for speed.
//!
//! ```text
//! Resource* ─▶ SnapshotWriter ─▶ segment ─▶ manifest ─▶ index
//!                                   │          │          │
//!                      SnapshotReader (Facts) ◀┴──────────┘
//! ```
//!
//! [`Store`] is a folder of subjects, each with a chain of snapshots. A
//! [`SnapshotWriter`] compares what a collector sees with the snapshot before,
//! keeps only what changed and commits by putting the next [`Manifest`]. A
//! [`SnapshotReader`] gives any snapshot back as `tidegate_model::Facts`.
//!
//! A crash at any point leaves the snapshot before or the new one. Everything
//! that is read is checked against its hash. The index holds nothing that
//! cannot be rebuilt; without it the same answers come from the segments.
//!
//! The store does not judge, print, or read clock, environment or randomness.

mod at;
mod block;
mod changes;
mod compact;
mod diff;
mod erase;
mod error;
mod fail;
mod follow;
mod index;
mod layout;
mod log;
mod manifest;
mod merkle;
mod objects;
mod place;
mod prepare;
mod proof;
mod prune;
mod reader;
mod records;
mod removal;
mod retention;
mod rewrite;
mod roots;
mod rows;
mod segment;
mod spool;
mod start;
mod state;
mod stats;
mod store;
mod sweep;
mod verify;
mod versions;
mod writer;

pub use at::At;
pub use compact::{Compacted, Upkeep};
pub use diff::{DiffError, Difference, diff};
pub use erase::Erased;
pub use error::StoreError;
pub use log::{Checkpoint, Contradiction, KeptCheckpoint, Log};
pub use manifest::{KindTree, LastRecord, Manifest};
pub use place::Bucket;
pub use proof::{Proof, ProofError, Proven, Sealed};
pub use prune::Pruned;
pub use reader::{Outline, SnapshotReader};
pub use records::Record;
pub use retention::Retention;
pub use start::Reindexed;
pub use stats::{Stats, SubjectStats};
pub use store::Store;
pub use sweep::Swept;
pub use verify::{Fault, Verified};
pub use versions::{Content, End, Moment, Placed, Selection, Version, Versions};
pub use writer::{Begin, Committed, SnapshotWriter};

#[cfg(test)]
mod tests;
