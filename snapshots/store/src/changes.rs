//! What changed between two snapshots of a subject.
//!
//! Of a few snapshots the index has logs; over many it is cheaper to go through
//! all its entries. Without it the segments are gone through. All give the same.

use std::collections::BTreeMap;

use tidegate_model::{Change, ChangeOp, Kind, ResourceKey};

use crate::StoreError;
use crate::index::{Broken, Index};
use crate::layout::Layout;
use crate::manifest::{self, Manifest};
use crate::segment::Op;
use crate::state::{Happened, holds};
use crate::store::Inner;

/// Up to so many logs are read rather than all entries.
const LOGS: u64 = 31;

/// By key, what happened to it last.
pub(crate) type Changes = BTreeMap<ResourceKey, Change>;

impl Inner {
    /// What changed after snapshot `since` up to that of `manifest`.
    pub(crate) fn changes(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        since: u64,
    ) -> Result<Changes, StoreError> {
        let known = self.ask(|index| {
            if !holds(index, layout, manifest.seq)? {
                return Ok(None);
            }
            if manifest.seq - since <= LOGS {
                by_logs(index, manifest, since).map(Some)
            } else {
                by_entries(index, manifest, since).map(Some)
            }
        });
        match known.flatten() {
            Some(changes) => Ok(changes),
            None => self.by_segments(layout, manifest, since),
        }
    }

    fn by_segments(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        since: u64,
    ) -> Result<Changes, StoreError> {
        let mut changes = Changes::new();
        for segment in self.wait(self.live(layout, manifest.seq))? {
            if segment.to <= since {
                continue;
            }
            self.each_change(
                layout,
                &segment,
                None,
                &mut |Happened { kind, key, seq, op, .. }| {
                    if seq <= since || seq > manifest.seq {
                        return Ok(());
                    }
                    let object = || manifest::path(&manifest.subject, seq).to_string();
                    let change =
                        change(kind, key, op).map_err(|e| StoreError::damaged(object(), e))?;
                    changes.insert(change.key.clone(), change);
                    Ok(())
                },
            )?;
        }
        Ok(changes)
    }
}

fn by_logs(index: &Index, manifest: &Manifest, since: u64) -> Result<Changes, Broken> {
    let mut changes = Changes::new();
    for seq in since + 1..=manifest.seq {
        index.log(&manifest.subject, seq, &mut |kind, key, op| {
            let key = ResourceKey::new(key).map_err(|e| Broken(e.to_string()))?;
            let change = change(kind, key, op).map_err(Broken)?;
            changes.insert(change.key.clone(), change);
            Ok(())
        })?;
    }
    Ok(changes)
}

fn by_entries(index: &Index, manifest: &Manifest, since: u64) -> Result<Changes, Broken> {
    let mut changes = Changes::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    index.scan(&manifest.subject, None, &mut |kind, key, entry| {
        if entry.at(manifest.seq).is_some() {
            match counts.get_mut(kind) {
                Some(n) => *n += 1,
                None => drop(counts.insert(kind.to_owned(), 1)),
            }
        }
        let last = entry.history.iter().rfind(|(seq, _, _)| *seq <= manifest.seq);
        if let Some((_, op, _)) = last.filter(|(seq, _, _)| *seq > since) {
            let key = ResourceKey::new(key).map_err(|e| Broken(e.to_string()))?;
            let change = change(kind, key, *op).map_err(Broken)?;
            changes.insert(change.key.clone(), change);
        }
        Ok(())
    })?;
    // A lost entry would hide a change.
    let right = manifest.kinds.iter().map(|(kind, tree)| (kind.as_str(), tree.count));
    if !right.eq(counts.iter().map(|(kind, n)| (kind.as_str(), *n))) {
        return Err(Broken(format!("it has other resources than `{}`", manifest.id())));
    }
    Ok(changes)
}

fn change(kind: &str, key: ResourceKey, op: Op) -> Result<Change, String> {
    let kind = Kind::new(kind).map_err(|e| e.to_string())?;
    let op = match op {
        Op::Put => ChangeOp::Put,
        Op::Remove => ChangeOp::Remove,
        Op::Unseen => ChangeOp::Unseen,
        Op::Seen => ChangeOp::Seen,
    };
    Ok(Change { key, kind, op })
}
