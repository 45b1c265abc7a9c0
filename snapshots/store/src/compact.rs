//! Compaction: what was written night by night becomes one segment for each
//! complete day, month and year, in UTC.
//!
//! Few segments are fast to read, and versions that follow each other compress
//! well. Manifests do not change.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;
use tidegate_model::{Subject, Timestamp};

use crate::layout::{Layout, LiveSegment};
use crate::rewrite::{Fate, Target};
use crate::store::Inner;
use crate::sweep::Swept;
use crate::writer::offload;
use crate::{Store, StoreError};

/// How the store is looked after.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// What time it is.
    pub now: Timestamp,
    /// How long superseded segments stay for those who still read them.
    pub grace: std::time::Duration,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What compaction did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// The cloud or cluster.
    pub subject: Subject,
    /// Live segments before.
    pub segments_before: u64,
    /// Live segments after.
    pub segments_after: u64,
    /// Bytes of the segments that were merged.
    pub bytes_before: u64,
    /// Bytes of what they became.
    pub bytes_after: u64,
    /// The new generation; `None` if nothing was merged or nothing done.
    pub generation: Option<u64>,
    /// What was deleted because its grace is over.
    pub swept: Swept,
}

impl Store {
    /// Merges the segments of complete days, months and years, and deletes
    /// superseded ones whose grace is over. `newest` snapshots count: what is
    /// complete is told by when the newest was taken.
    ///
    /// A crash leaves the old generation or the new one. Readers of the old one
    /// are not disturbed.
    ///
    /// # Errors
    /// [`StoreError::NoSubject`]; [`StoreError::Locked`] if another process uses
    /// the store; [`StoreError::Rearranged`] if another one was faster;
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming a live segment.
    pub async fn compact(
        &self,
        subject: &Subject,
        upkeep: &Upkeep,
    ) -> Result<Compacted, StoreError> {
        let Work { inner, layout, live, .. } = self.work(subject).await?;
        let targets: Vec<_> = inner.targets(&layout, &live).await?;
        let targets: Vec<_> = targets.into_iter().filter(|t| t.sources.len() > 1).collect();
        let sizes = inner.segment_sizes(subject).await?;
        let merged: usize = targets.iter().map(|t| t.sources.len() - 1).sum();
        let rewritten = offload({
            let (inner, subject) = (Arc::clone(&inner), subject.clone());
            move || inner.rewrite(&subject, &targets, &mut |rows| vec![Fate::Keep; rows.len()])
        })
        .await??;
        let (bytes_before, bytes_after) = rewritten.bytes(&sizes);
        let generation = if upkeep.dry_run || rewritten.fresh.is_empty() {
            None
        } else {
            let pruned = layout.pruned.clone();
            Some(inner.publish(&layout, &live, rewritten, pruned, upkeep.now).await?)
        };
        Ok(Compacted {
            subject: subject.clone(),
            segments_before: live.len() as u64,
            segments_after: (live.len() - merged) as u64,
            bytes_before,
            bytes_after,
            generation,
            swept: inner.sweep(subject, upkeep).await?,
        })
    }

    /// What all upkeep begins with: the right to write, and what is live.
    pub(crate) async fn work(&self, subject: &Subject) -> Result<Work, StoreError> {
        let inner = Arc::clone(&self.inner);
        let head = inner.head(subject).await?;
        if head == 0 {
            let known = self.subjects().await?;
            return Err(StoreError::NoSubject { subject: subject.clone(), known });
        }
        inner.writable().await?;
        let head = inner.settle(subject).await?;
        let layout = inner.layout(subject).await?;
        let live = inner.live(&layout, head).await?;
        Ok(Work { inner, head, layout, live })
    }
}

/// What upkeep works with.
pub(crate) struct Work {
    pub(crate) inner: Arc<Inner>,
    /// The newest snapshot.
    pub(crate) head: u64,
    pub(crate) layout: Arc<Layout>,
    pub(crate) live: Vec<LiveSegment>,
}

/// The time that is merged into one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bucket {
    Year(i16),
    Month(i16, i8),
    Day(i16, i8, i8),
    /// This segment stays as it is.
    Alone(u64),
}

impl Bucket {
    /// Where something belongs that was taken at `taken`, when the newest was
    /// taken at `newest`.
    fn of(seq: u64, taken: Timestamp, newest: Timestamp) -> Self {
        let [date, now] = [taken, newest].map(|t| t.to_zoned(TimeZone::UTC).date());
        let (year, month, day) = (date.year(), date.month(), date.day());
        if year < now.year() {
            Self::Year(year)
        } else if (year, month) < (now.year(), now.month()) {
            Self::Month(year, month)
        } else if date < now {
            Self::Day(year, month, day)
        } else {
            Self::Alone(seq)
        }
    }
}

impl Inner {
    /// All live segments, those together that compaction merges.
    pub(crate) async fn targets(
        &self,
        layout: &Layout,
        live: &[LiveSegment],
    ) -> Result<Vec<Target>, StoreError> {
        let taken =
            async |seq| Ok::<_, StoreError>(self.manifest(&layout.subject, seq).await?.0.taken_at);
        let Some(last) = live.last() else { return Ok(Vec::new()) };
        let newest = taken(last.to).await?;
        let mut targets: Vec<(Bucket, Target)> = Vec::new();
        for segment in live {
            let first = Bucket::of(segment.from, taken(segment.from).await?, newest);
            let last = Bucket::of(segment.from, taken(segment.to).await?, newest);
            // What spans more already cannot be taken apart.
            let bucket = if first == last { first } else { Bucket::Alone(segment.from) };
            match targets.last_mut() {
                Some((same, target)) if *same == bucket => target.sources.push(segment.clone()),
                _ => targets.push((bucket, Target { sources: vec![segment.clone()] })),
            }
        }
        Ok(targets.into_iter().map(|(_, target)| target).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(taken: &str, newest: &str, expected: Bucket) {
        let at = |t: &str| format!("{t}T02:00:00Z").parse().unwrap();
        assert_eq!(Bucket::of(7, at(taken), at(newest)), expected);
    }

    #[test]
    fn only_what_is_complete_is_merged() {
        check("2025-12-31", "2026-01-01", Bucket::Year(2025));
        check("2026-01-31", "2026-02-01", Bucket::Month(2026, 1));
        check("2026-02-01", "2026-02-02", Bucket::Day(2026, 2, 1));
        check("2026-02-02", "2026-02-02", Bucket::Alone(7));
        // A clock that was wrong once.
        check("2027-02-02", "2026-02-02", Bucket::Alone(7));
    }
}
