//! Which resources of a kind a snapshot holds, and where their versions are.
//!
//! The index knows; without it the segments up to the snapshot are gone
//! through, keys and operations only. Both give the same.

use std::collections::BTreeMap;
use std::iter::once;

use tidegate_model::{Digest, Kind, ResourceKey};

use crate::StoreError;
use crate::index::{Broken, Index, Standing};
use crate::layout::{Layout, LiveSegment};
use crate::manifest::Manifest;
use crate::segment::{Columns, Cursor, Op};
use crate::store::Inner;

/// One resource of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) key: ResourceKey,
    pub(crate) standing: Standing,
    /// Where the index knows it.
    pub(crate) leaf: Option<Digest>,
}

impl Inner {
    /// The resources of a kind in a snapshot, in order of key bytes.
    pub(crate) fn located(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        kind: &Kind,
    ) -> Result<Vec<Located>, StoreError> {
        let Some(tree) = manifest.kinds.get(kind) else { return Ok(Vec::new()) };
        if let Some(found) = self.located_by_index(layout, manifest, kind) {
            if found.len() as u64 == tree.count {
                return Ok(found);
            }
            let (found, count) = (found.len(), tree.count);
            self.discard(&Broken(format!("it has {found} of {count} resources of `{kind}`")));
        }
        let found = self.located_by_segments(layout, manifest, kind)?;
        if found.len() as u64 != tree.count {
            let path = crate::manifest::path(&manifest.subject, manifest.seq);
            let why = format!(
                "it counts {} resources of `{kind}`, the segments have {}",
                tree.count,
                found.len()
            );
            return Err(StoreError::damaged(path.to_string(), why));
        }
        Ok(found)
    }

    fn located_by_index(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        kind: &Kind,
    ) -> Option<Vec<Located>> {
        let (subject, seq) = (&manifest.subject, manifest.seq);
        self.ask(|index| {
            if !holds(index, layout, seq)? {
                return Ok(None);
            }
            let mut found = Vec::new();
            index.standings(subject, Some(kind), seq, &mut |_, key, standing, leaf| {
                let key = ResourceKey::new(key).map_err(|e| Broken(e.to_string()))?;
                found.push(Located { key, standing, leaf });
                Ok(())
            })?;
            Ok(Some(found))
        })
        .flatten()
    }

    fn located_by_segments(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        kind: &Kind,
    ) -> Result<Vec<Located>, StoreError> {
        let mut now: BTreeMap<ResourceKey, Standing> = BTreeMap::new();
        for segment in self.wait(self.live(layout, manifest.seq))? {
            self.each_change(layout, &segment, Some(kind), &mut |change| {
                let Happened { key, seq, op, row, .. } = change;
                if seq > manifest.seq {
                    return Ok(());
                }
                match Standing::after(now.get(&key).copied(), seq, op, row) {
                    Some(standing) => now.insert(key, standing),
                    None => now.remove(&key),
                };
                Ok(())
            })?;
        }
        let found = now.into_iter();
        Ok(found.map(|(key, standing)| Located { key, standing, leaf: None }).collect())
    }

    /// Hands over what a segment says of one kind, or of all.
    pub(crate) fn each_change(
        &self,
        layout: &Layout,
        named: &LiveSegment,
        kind: Option<&Kind>,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let segment = self.wait(self.open_segment(&layout.subject, named))?;
        let rows = kind.map_or(0..segment.rows(), |k| segment.rows_of(k));
        let mut row = u32::try_from(rows.start).map_err(|e| segment.damaged(e))?;
        let mut cursor = Cursor::new(&*segment, &self.source()?, Columns::CHANGES, once(rows));
        while let Some(read) = cursor.next()? {
            let op = read.op.ok_or_else(|| segment.damaged("a row has no operation"))?;
            let key = segment.text(read.key())?;
            let key = ResourceKey::new(key).map_err(|e| segment.damaged(e))?;
            let kind = segment.text(read.kind())?;
            visit(Happened { kind, key, seq: read.seq, op, row })?;
            row += 1;
        }
        Ok(())
    }

    /// What one key was in a snapshot, if the index knows.
    pub(crate) fn locate_one(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        key: &ResourceKey,
    ) -> Found {
        let (subject, seq) = (&manifest.subject, manifest.seq);
        let answer = self.ask(|index| {
            if !holds(index, layout, seq)? {
                return Ok(Found::Unknown);
            }
            let entry = index.get(subject, key.kind(), key.as_str())?;
            if !holds(index, layout, seq)? {
                // It was taken away meanwhile.
                return Ok(Found::Unknown);
            }
            let located = entry.and_then(|e| {
                let standing = e.at(seq)?;
                Some(Located { key: key.clone(), standing, leaf: e.leaf_at(seq) })
            });
            Ok(located.map_or(Found::Absent, Found::Here))
        });
        answer.unwrap_or(Found::Unknown)
    }
}

/// Whether the index can tell of a snapshot, and of the segments of this layout.
pub(crate) fn holds(index: &Index, layout: &Layout, seq: u64) -> Result<bool, Broken> {
    let through = index.through(&layout.subject)?;
    Ok(through.is_some_and(|t| t.seq >= seq && t.generation == layout.generation))
}

/// One change that a segment tells of.
pub(crate) struct Happened<'s> {
    pub(crate) kind: &'s str,
    pub(crate) key: ResourceKey,
    /// In which snapshot.
    pub(crate) seq: u64,
    pub(crate) op: Op,
    /// Where in the segment.
    pub(crate) row: u32,
}

pub(crate) type Visit<'v> = dyn FnMut(Happened<'_>) -> Result<(), StoreError> + 'v;

/// What the index says of one key.
pub(crate) enum Found {
    /// The snapshot holds it.
    Here(Located),
    /// It does not.
    Absent,
    /// The index cannot tell.
    Unknown,
}
