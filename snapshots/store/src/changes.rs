//! What changed between two snapshots of a subject.
//!
//! Of a few snapshots the index has logs; over many it is cheaper to go through
//! all its entries. Without it the segments are gone through. All give the same.

use std::collections::BTreeMap;

use tidegate_model::{Change, Kind, ResourceKey};

use crate::StoreError;
use crate::index::{Broken, Index, Standing};
use crate::layout::Layout;
use crate::manifest::{self, Manifest};
use crate::segment::Op;
use crate::state::{Happened, holds};
use crate::store::Inner;

/// Up to so many logs are read rather than all entries.
const LOGS: u64 = if cfg!(test) { 1 } else { 31 };

/// By key, what happened to it last.
type Changes = BTreeMap<ResourceKey, Change>;

impl Inner {
    /// What changed after snapshot `since` up to that of `manifest`, in order of
    /// key.
    pub(crate) fn changes(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        since: u64,
    ) -> Result<Vec<Change>, StoreError> {
        let known = self.ask(|index| {
            if !holds(index, layout, manifest.seq)? {
                return Ok(None);
            }
            if manifest.seq - since <= LOGS {
                by_logs(index, manifest, since).map(|c| Some(in_order(c)))
            } else {
                by_entries(index, manifest, since).map(Some)
            }
        });
        match known.flatten() {
            Some(changes) => Ok(changes),
            None => Ok(in_order(self.by_segments(layout, manifest, since)?)),
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

fn by_entries(index: &Index, manifest: &Manifest, since: u64) -> Result<Vec<Change>, Broken> {
    let mut changes = Vec::new();
    // By kind, in order, how many resources stand at the newer one.
    let mut counts: Vec<(Kind, u64)> = Vec::new();
    index.histories(&manifest.subject, None, &mut |kind, key, history| {
        if counts.last().is_none_or(|(last, _)| last.as_str() != kind) {
            counts.push((Kind::new(kind).map_err(|e| Broken(e.to_string()))?, 0));
        }
        let Some((kind, count)) = counts.last_mut() else { return Ok(()) };
        *count += u64::from(Standing::at(history, manifest.seq).is_some());
        let last = history.iter().rfind(|(seq, _, _)| *seq <= manifest.seq);
        if let Some((_, op, _)) = last.filter(|(seq, _, _)| *seq > since) {
            let key = ResourceKey::new(key).map_err(|e| Broken(e.to_string()))?;
            changes.push(Change { key, kind: kind.clone(), op: (*op).into() });
        }
        Ok(())
    })?;
    // A lost entry would hide a change.
    let right = manifest.kinds.iter().map(|(kind, tree)| (kind, tree.count));
    if !right.eq(counts.iter().filter(|(_, n)| *n > 0).map(|(kind, n)| (kind, *n))) {
        return Err(Broken(format!("it has other resources than `{}`", manifest.id())));
    }
    // Entries are in order of kind and key, which is that of keys but for providers.
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(changes)
}

fn in_order(changes: Changes) -> Vec<Change> {
    changes.into_values().collect()
}

fn change(kind: &str, key: ResourceKey, op: Op) -> Result<Change, String> {
    let kind = Kind::new(kind).map_err(|e| e.to_string())?;
    Ok(Change { key, kind, op: op.into() })
}
