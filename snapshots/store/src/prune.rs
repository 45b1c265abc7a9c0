//! Pruning: snapshots are given up, and with them the versions that no kept one
//! needs. Manifests stay, so that the chain can be verified, and a record says
//! what went.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tidegate_model::{Salt, SnapshotId, Subject, Timestamp};

use crate::compact::Work;
use crate::index::Standing;
use crate::layout::{Layout, Spans};
use crate::rewrite::Fate;
use crate::segment::{NewRow, Op};
use crate::sweep::Swept;
use crate::writer::offload;
use crate::{Retention, Store, StoreError, Upkeep};

/// What pruning did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// The cloud or cluster.
    pub subject: Subject,
    /// The numbers of the snapshots that are given up now, ascending.
    pub snapshots: Vec<u64>,
    /// How many are kept.
    pub kept: u64,
    /// Changes that no kept snapshot needs.
    pub changes: u64,
    /// Bytes of the segments that are written anew, before.
    pub bytes_before: u64,
    /// Their bytes after that. Those before stay on disk for the grace.
    pub bytes_after: u64,
    /// The record of it; `None` if nothing was done.
    pub record: Option<u64>,
    /// What was deleted because its grace is over.
    pub swept: Swept,
}

impl Store {
    /// Gives up the snapshots that a retention rule does not keep. Segments are
    /// compacted on the way. The record is written first: nothing is ever gone
    /// without one. `salt` is random, see [`Store::record`].
    ///
    /// # Errors
    /// As [`Store::compact`]; [`StoreError::Conflict`] if the record cannot be
    /// written.
    pub async fn prune(
        &self,
        subject: &Subject,
        retention: &Retention,
        upkeep: &Upkeep,
        salt: Salt,
    ) -> Result<Pruned, StoreError> {
        let Work { inner, head, layout, live } = self.work(subject).await?;
        let mut taken = Vec::new();
        for seq in layout.pruned.others(1, head) {
            taken.push((seq, inner.manifest(subject, seq).await?.0.taken_at));
        }
        let keep = retention.keep(&taken, upkeep.now);
        let snapshots: Vec<u64> =
            taken.iter().map(|(seq, _)| *seq).filter(|seq| !keep.contains(seq)).collect();
        let mut pruned = Pruned {
            subject: subject.clone(),
            kept: keep.len() as u64,
            changes: 0,
            bytes_before: 0,
            bytes_after: 0,
            record: None,
            swept: Swept::default(),
            snapshots,
        };
        if !pruned.snapshots.is_empty() {
            let targets = inner.targets(&layout, &live).await?;
            let sizes = inner.segment_sizes(subject).await?;
            let rewritten = offload({
                let (inner, subject, keep) = (Arc::clone(&inner), subject.clone(), keep.clone());
                move || inner.rewrite(&subject, &targets, &mut |rows| needed(rows, &keep))
            })
            .await??;
            pruned.changes = rewritten.dropped;
            (pruned.bytes_before, pruned.bytes_after) = rewritten.bytes(&sizes);
            if !upkeep.dry_run {
                let payload = json!({
                    "schema": "tidegate.prune/v1",
                    "retention": retention.to_string(),
                    "generation": layout.generation + 1,
                    "snapshots": Spans::of(pruned.snapshots.iter().copied()),
                    "changes": pruned.changes,
                });
                let payload = payload.to_string();
                let record =
                    self.record(subject, "prune", upkeep.now, salt, payload.as_bytes()).await?;
                let gone = Spans::of((1..=head).filter(|seq| !keep.contains(seq)));
                inner.publish(&layout, &live, rewritten, gone, upkeep.now).await?;
                pruned.record = Some(record);
            }
        }
        pruned.swept = inner.sweep(subject, upkeep).await?;
        Ok(pruned)
    }

    /// The snapshots of a subject that were pruned, ascending. Their manifests are
    /// still in [`Store::snapshots`].
    ///
    /// # Errors
    /// [`StoreError::Damaged`] naming the newest layout.
    pub async fn pruned(&self, subject: &Subject) -> Result<Vec<u64>, StoreError> {
        let head = self.inner.head(subject).await?;
        let layout = self.inner.layout(subject).await?;
        Ok((1..=head).filter(|seq| layout.pruned.holds(*seq)).collect())
    }
}

impl Store {
    /// Whether a snapshot newer than `id` and not later than `time` was pruned, so
    /// that `id` stands in for it.
    ///
    /// # Errors
    /// As [`Store::pruned`], and [`StoreError::Damaged`] naming a manifest.
    pub async fn passed_over(&self, id: &SnapshotId, time: Timestamp) -> Result<bool, StoreError> {
        let layout = self.inner.layout(&id.subject).await?;
        let next = id.seq + 1;
        if !layout.pruned.holds(next) {
            return Ok(false);
        }
        Ok(self.inner.manifest(&id.subject, next).await?.0.taken_at <= time)
    }
}

impl Layout {
    /// The kept snapshots, ascending.
    pub(crate) fn kept(&self, head: u64) -> impl DoubleEndedIterator<Item = u64> {
        self.pruned.others(1, head)
    }
}

/// Which changes of one key are needed to tell what it is at each kept snapshot,
/// and between them what happened last.
fn needed(rows: &[NewRow], keep: &[u64]) -> Vec<Fate> {
    let mut fates = vec![Fate::Drop; rows.len()];
    let mut before: Option<Standing> = None;
    let mut rest: Vec<(usize, &NewRow)> = rows.iter().enumerate().collect();
    for &kept in keep {
        let later = rest.split_off(rest.partition_point(|(_, row)| row.seq <= kept));
        let between = std::mem::replace(&mut rest, later);
        // The last change of each sort.
        let last: BTreeMap<&str, (usize, u64)> =
            between.iter().map(|(at, row)| (row.op.as_str(), (*at, row.seq))).collect();
        let after =
            between.iter().fold(before, |now, (_, row)| Standing::after(now, row.seq, row.op, 0));
        let mut stay = |op: Op, seq: Option<u64>| {
            if let Some((at, found)) = last.get(op.as_str())
                && seq.is_none_or(|seq| seq == *found)
                && let Some(fate) = fates.get_mut(*at)
            {
                *fate = Fate::Keep;
            }
        };
        match (before, after) {
            (Some(_), None) => stay(Op::Remove, None),
            (None, None) => {}
            (before, Some(after)) => {
                stay(Op::Put, Some(after.seq));
                if after.unseen > 0 {
                    stay(Op::Unseen, Some(after.unseen));
                } else if before.is_some_and(|b| b.seq == after.seq && b.unseen > 0) {
                    stay(Op::Seen, None);
                }
            }
        }
        before = after;
    }
    fates
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[track_caller]
    fn check(history: &[(u64, Op)], keep: &[u64], expected: &[u64]) {
        let row = |&(seq, op)| NewRow { key: Bytes::new(), kind: Bytes::new(), op, seq, put: None };
        let rows: Vec<_> = history.iter().map(row).collect();
        let fates = needed(&rows, keep);
        let stay = rows.iter().zip(fates).filter(|(_, fate)| *fate == Fate::Keep);
        assert_eq!(stay.map(|(row, _)| row.seq).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_what_a_kept_snapshot_shows_stays() {
        use Op::{Put, Remove, Seen, Unseen};
        check(&[(1, Put), (3, Put), (5, Put)], &[2, 5], &[1, 5]);
        check(&[(1, Put), (3, Remove)], &[4], &[]);
        check(&[(1, Put), (3, Remove)], &[2, 4], &[1, 3]);
        check(&[(1, Put), (3, Remove), (4, Put)], &[2, 4], &[1, 4]);
        check(&[(1, Put), (2, Unseen), (3, Seen)], &[4], &[1]);
        check(&[(1, Put), (2, Unseen), (3, Seen)], &[2, 4], &[1, 2, 3]);
        check(&[(1, Put), (2, Unseen), (3, Seen), (4, Unseen)], &[2, 4], &[1, 2, 4]);
        check(&[(1, Put), (2, Unseen), (3, Put)], &[2, 4], &[1, 2, 3]);
        check(&[(1, Put), (2, Unseen)], &[1, 4], &[1, 2]);
    }
}
