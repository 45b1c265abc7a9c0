//! How large a store is.

use std::iter::once;
use std::path::Path as FsPath;
use std::sync::Arc;

use object_store::path::Path;
use serde::Serialize;
use tidegate_model::{Subject, Timestamp};

use crate::layout::LiveSegment;
use crate::segment::{Columns, Cursor, Op};
use crate::store::Inner;
use crate::writer::offload;
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
    /// How many snapshots can be read.
    pub snapshots: u64,
    /// How many were pruned.
    pub pruned: u64,
    /// When the oldest was taken that can be read.
    pub oldest: Timestamp,
    /// When the newest was taken.
    pub newest: Timestamp,
    /// How many resources the newest holds.
    pub resources: u64,
    /// How many versions of resources there are.
    pub versions: u64,
    /// How many of them were erased.
    pub erased: u64,
    /// How many records it has.
    pub records: u64,
    /// The newest generation of its segments; 0 if it was never compacted.
    pub generation: u64,
    /// How many segments are live.
    pub segments: u64,
    /// Bytes of the bodies of all versions, as JSON.
    pub body_bytes: u64,
    /// Bytes of its live segments.
    pub segment_bytes: u64,
    /// Bytes of its other segments: superseded, or left by a crash.
    pub superseded_bytes: u64,
    /// Bytes of its manifests.
    pub manifest_bytes: u64,
    /// Bytes of its layouts.
    pub layout_bytes: u64,
    /// Bytes of its records and their payloads.
    pub record_bytes: u64,
}

impl Store {
    /// Measures the store; reads all live segments.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if it cannot be listed; [`StoreError::Damaged`] or
    /// [`StoreError::Missing`] naming a manifest, a layout or a live segment.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        let mut subjects = Vec::new();
        for subject in self.subjects().await? {
            subjects.push(self.subject_stats(subject).await?);
        }
        let index_bytes = size(&self.inner.index_folder());
        Ok(Stats { subjects, index_bytes })
    }

    async fn subject_stats(&self, subject: Subject) -> Result<SubjectStats, StoreError> {
        let inner = Arc::clone(&self.inner);
        let head = inner.head(&subject).await?;
        let (newest, _) = inner.manifest(&subject, head).await?;
        let layout = inner.layout(&subject).await?;
        let oldest = layout.kept(head).next().unwrap_or(head);
        let (oldest, _) = inner.manifest(&subject, oldest).await?;
        let objects = inner.open_objects()?;
        let list = async |folder: &str| {
            let names = objects.names(&Path::from(format!("{folder}/{subject}"))).await?;
            let bytes = names.iter().map(|(_, size)| size).sum::<u64>();
            let documents = names.iter().filter(|(name, _)| name.ends_with(".json")).count();
            Ok::<(u64, u64), StoreError>((documents as u64, bytes))
        };
        let (records, record_bytes) = list("records").await?;
        let sizes = inner.segment_sizes(&subject).await?;
        let live = inner.live(&layout, head).await?;
        let segment_bytes = live.iter().filter_map(|s| sizes.get(&s.name)).sum();
        let all: u64 = sizes.values().sum();
        let (manifest_bytes, layout_bytes) = (list("manifests").await?.1, list("layout").await?.1);
        let segments = live.len() as u64;
        let [versions, erased, body_bytes] = offload({
            let (inner, subject) = (Arc::clone(&inner), subject.clone());
            move || inner.count(&subject, &live)
        })
        .await??;
        Ok(SubjectStats {
            snapshots: head - layout.pruned.count(),
            pruned: layout.pruned.count(),
            oldest: oldest.taken_at,
            newest: newest.taken_at,
            resources: newest.resources(),
            versions,
            erased,
            records,
            generation: layout.generation,
            segments,
            body_bytes,
            segment_bytes,
            superseded_bytes: all.saturating_sub(segment_bytes),
            manifest_bytes,
            layout_bytes,
            record_bytes,
            subject,
        })
    }
}

impl Inner {
    /// Versions, those of them that were erased, and bytes of bodies.
    fn count(&self, subject: &Subject, live: &[LiveSegment]) -> Result<[u64; 3], StoreError> {
        let source = self.source()?;
        let (mut versions, mut erased, mut bytes) = (0, 0, 0);
        for named in live {
            let segment = self.wait(self.open_segment(subject, named))?;
            bytes += segment.body_bytes();
            let rows = once(0..segment.rows());
            let mut cursor = Cursor::new(&*segment, &source, Columns::COUNTS, rows);
            while let Some(row) = cursor.next()? {
                versions += u64::from(row.op == Some(Op::Put));
                erased += u64::from(row.leaf.is_some());
            }
        }
        Ok([versions, erased, bytes])
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
