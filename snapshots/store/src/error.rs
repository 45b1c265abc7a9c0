//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;

use tidegate_model::{SnapshotId, Subject, Timestamp};

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the index, so nothing can be written here.
    #[error(
        "cannot write to store `{}`: another process is using it; wait for it to end, \
         reading works meanwhile",
        path.display()
    )]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// The address of a bucket cannot be used.
    #[error("cannot use store `{url}`: {why}")]
    Bucket {
        /// What was given.
        url: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Something was written by a newer tidegate.
    #[error(
        "cannot read `{object}`: it has format `{found}`, this tidegate knows `{known}`; \
         use a newer tidegate for this store"
    )]
    Newer {
        /// The object in the store.
        object: String,
        /// The format it names.
        found: String,
        /// The format known here.
        known: &'static str,
    },
    /// An object does not hold what its hash says.
    #[error("object `{object}` is damaged: {why}; restore it from a copy of the store")]
    Damaged {
        /// The object in the store.
        object: String,
        /// What does not fit.
        why: String,
    },
    /// An object that a manifest names is not there.
    #[error("object `{object}` is missing; restore it from a copy of the store")]
    Missing {
        /// The object in the store.
        object: String,
    },
    /// Somebody else committed this snapshot or record first.
    #[error(
        "cannot commit `{subject}@{seq}`: another writer committed it first; \
         collect again"
    )]
    Conflict {
        /// The subject.
        subject: Subject,
        /// The number that was taken.
        seq: u64,
    },
    /// Somebody else compacted, pruned or erased meanwhile.
    #[error(
        "cannot rearrange the segments of `{subject}`: another process did so first; \
         run it again"
    )]
    Rearranged {
        /// The subject.
        subject: Subject,
    },
    /// The snapshot was pruned; its manifest alone is left.
    #[error("snapshot `{id}` was pruned; {}", neighbours(before.as_ref(), after.as_ref()))]
    Pruned {
        /// What was asked for.
        id: SnapshotId,
        /// The nearest earlier one that is kept.
        before: Option<SnapshotId>,
        /// The nearest later one that is kept.
        after: Option<SnapshotId>,
    },
    /// No snapshot of this subject was ever taken.
    #[error("no snapshots of subject `{subject}`; {}", known_subjects(known))]
    NoSubject {
        /// What was asked for.
        subject: Subject,
        /// The subjects that the store holds.
        known: Vec<Subject>,
    },
    /// The subject has no snapshot with this number.
    #[error("no snapshot `{id}`; `{}` has 1 to {newest}", id.subject)]
    NoSnapshot {
        /// What was asked for.
        id: SnapshotId,
        /// The newest there is.
        newest: u64,
    },
    /// All snapshots of the subject are later.
    #[error("no snapshot of `{subject}` at or before {time}; the first was taken at {first}")]
    NoneBefore {
        /// The subject.
        subject: Subject,
        /// The time asked for.
        time: Timestamp,
        /// When its first snapshot was taken.
        first: Timestamp,
    },
    /// There are not so many snapshots.
    #[error("`latest~{back}` of `{subject}` goes back too far; it has {count} snapshots")]
    TooFarBack {
        /// The subject.
        subject: Subject,
        /// How far back.
        back: u64,
        /// How many there are.
        count: u64,
    },
    /// A snapshot of one subject was asked of another.
    #[error("`{id}` is not a snapshot of `{subject}`")]
    OtherSubject {
        /// What was asked for.
        id: SnapshotId,
        /// The subject asked.
        subject: Subject,
    },
    /// A resource does not fit together.
    #[error("resource `{key}` cannot be stored: {why}")]
    BadResource {
        /// Its key.
        key: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The object store failed.
    #[error("cannot {action} object `{object}`")]
    Objects {
        /// What was tried.
        action: &'static str,
        /// The object in the store.
        object: String,
        /// Why it failed.
        #[source]
        source: object_store::Error,
    },
    /// The file system failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A segment could not be written.
    #[error("cannot encode segment {seq} of `{subject}`")]
    Encode {
        /// The subject.
        subject: Subject,
        /// The number of the snapshot.
        seq: u64,
        /// Why it failed.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// The index cannot be used.
    #[error(
        "cannot use the index of the store: {why}; make room if the disk is full, \
         else run `tidegate store reindex`"
    )]
    Index {
        /// What happened.
        why: String,
    },
}

impl StoreError {
    /// What to look at when a bucket does not do what was asked; `None` where the
    /// error itself says what to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        use object_store::Error;
        let Self::Objects { source, .. } = self else { return None };
        match source {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                Some("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what the key may do")
            }
            Error::NotFound { .. } => {
                Some("check the name of the bucket; it must exist before the first snapshot")
            }
            Error::Generic { store: "S3", .. } => {
                Some("check AWS_ENDPOINT_URL, AWS_REGION and whether the storage is up")
            }
            _ => None,
        }
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn damaged(object: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Damaged { object: object.into(), why: why.to_string() }
    }
}

fn neighbours(before: Option<&SnapshotId>, after: Option<&SnapshotId>) -> String {
    match (before, after) {
        (Some(a), Some(b)) => format!("the nearest kept ones are `{a}` and `{b}`"),
        (Some(one), None) | (None, Some(one)) => format!("the nearest kept one is `{one}`"),
        (None, None) => "none is kept".to_owned(),
    }
}

fn known_subjects(known: &[Subject]) -> String {
    if known.is_empty() {
        return "the store is empty: run `tidegate collect` first".to_owned();
    }
    let names: Vec<String> = known.iter().map(|s| format!("`{s}`")).collect();
    format!("the store knows {}", names.join(", "))
}
