//! How large a store is.

use std::path::Path as FsPath;

use object_store::path::Path;
use serde::Serialize;
use tidegate_model::{Subject, Timestamp};

use crate::{Store, StoreError};

/// The size of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// By subject, in order.
    pub subjects: Vec<SubjectStats>,
    /// Bytes of the index on disk; 0 if there is none.
    pub index_bytes: u64,
}

/// The size of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectStats {
    /// The cloud or cluster.
    pub subject: Subject,
    /// How many snapshots it has.
    pub snapshots: u64,
    /// When the newest was taken.
    pub newest: Timestamp,
    /// How many resources the newest holds.
    pub resources: u64,
    /// How many records it has.
    pub records: u64,
    /// Bytes of its segments, whether or not a manifest names them.
    pub segment_bytes: u64,
    /// Bytes of its manifests.
    pub manifest_bytes: u64,
    /// Bytes of its records and their payloads.
    pub record_bytes: u64,
}

impl Store {
    /// Measures the store; reads one manifest per subject.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if it cannot be listed; [`StoreError::Damaged`]
    /// naming a newest manifest.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        let mut subjects = Vec::new();
        for subject in self.subjects().await? {
            let newest = self.inner.head(&subject).await?;
            let (manifest, _) = self.inner.manifest(&subject, newest).await?;
            let objects = self.inner.open_objects()?;
            let list = async |folder: &str| {
                let names = objects.names(&Path::from(format!("{folder}/{subject}"))).await?;
                let bytes = names.iter().map(|(_, size)| size).sum();
                Ok::<(usize, u64), StoreError>((
                    names.iter().filter(|(name, _)| name.ends_with(".json")).count(),
                    bytes,
                ))
            };
            let (records, record_bytes) = list("records").await?;
            subjects.push(SubjectStats {
                snapshots: newest,
                newest: manifest.taken_at,
                resources: manifest.resources(),
                records: records as u64,
                segment_bytes: list("segments").await?.1,
                manifest_bytes: list("manifests").await?.1,
                record_bytes,
                subject,
            });
        }
        let index_bytes = size(&self.inner.index_folder());
        Ok(Stats { subjects, index_bytes })
    }
}

/// The bytes of all files in a folder; what cannot be read counts nothing.
fn size(folder: &FsPath) -> u64 {
    let items = std::fs::read_dir(folder).into_iter().flatten().flatten();
    items
        .map(|item| match item.metadata() {
            Ok(meta) if meta.is_dir() => size(&item.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
