//! Rows of many segments, each segment read forwards, once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tidegate_model::{ResourceKey, Subject};

use crate::StoreError;
use crate::segment::{Columns, Cursor, Row, Segment};
use crate::store::Inner;

/// Hands out wanted rows in the order in which they were wanted.
pub(crate) struct Rows {
    cursors: BTreeMap<u64, Cursor<Arc<Segment>>>,
}

impl Rows {
    /// `wanted` names rows by snapshot and number, in order of kind, key and
    /// snapshot.
    // INVARIANT: rows of one kind in a segment are in order of key, so the rows
    // wanted of each segment ascend.
    pub(crate) fn new(
        inner: &Inner,
        subject: &Subject,
        columns: Columns,
        wanted: impl Iterator<Item = (u64, u32)>,
    ) -> Result<Self, StoreError> {
        let mut runs: BTreeMap<u64, Vec<Range<u64>>> = BTreeMap::new();
        for (seq, row) in wanted {
            let row = u64::from(row);
            let runs = runs.entry(seq).or_default();
            match runs.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => runs.push(row..row + 1),
            }
        }
        let source = inner.source()?;
        let mut cursors = BTreeMap::new();
        for (seq, runs) in runs {
            let segment = inner.wait(inner.segment(subject, seq))?;
            cursors.insert(seq, Cursor::new(segment, &source, columns, runs));
        }
        Ok(Self { cursors })
    }

    /// The next wanted row of a snapshot, which must be one of `key`.
    pub(crate) fn next(
        &mut self,
        seq: u64,
        key: &ResourceKey,
    ) -> Result<Option<(&Segment, Row)>, StoreError> {
        let Some(cursor) = self.cursors.get_mut(&seq) else { return Ok(None) };
        let row = cursor.next()?;
        let segment = cursor.segment();
        let row = row.ok_or_else(|| segment.damaged(format!("it does not hold `{key}`")))?;
        if row.key() != key.as_str().as_bytes() {
            return Err(segment.damaged(format!("it has another resource in place of `{key}`")));
        }
        Ok(Some((segment, row)))
    }
}
