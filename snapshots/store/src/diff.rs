//! What differs between two snapshots of a subject.

use std::collections::BTreeMap;

use tidegate_model::{Change, Fact, Facts, FactsError, Kind, ResourceKey, SnapshotId};

/// So many resources of each side are held at a time.
const BATCH: usize = 512;

/// A resource that is not the same in two snapshots; at least one side is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The resource.
    pub key: ResourceKey,
    /// Its kind.
    pub kind: Kind,
    /// What it was in the earlier snapshot; absent where it was not there.
    pub before: Option<Fact>,
    /// What it is in the later one; absent where it is gone.
    pub after: Option<Fact>,
}

/// Two snapshots could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// Nothing tells what happened between them.
    #[error("nothing tells what changed from `{from}` to `{to}`")]
    Unknown {
        /// The earlier one.
        from: SnapshotId,
        /// The later one.
        to: SnapshotId,
    },
    /// One of them cannot be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
}

/// Hands every resource that differs to `visit`, in order of kind and key.
///
/// `from` is not after `to`, both of one subject. `wanted` is asked before
/// anything is read; what changed back in between is not a difference, and
/// neither is a later time of reading. Costs one lookup of each side per change
/// in between.
///
/// # Errors
/// [`DiffError::Unknown`] if `from` is not before `to` or the changes in between
/// are gone; [`DiffError::Facts`] if a side cannot be read.
pub fn diff(
    from: &dyn Facts,
    to: &dyn Facts,
    wanted: &dyn Fn(&Change) -> bool,
    visit: &mut dyn FnMut(Difference),
) -> Result<(), DiffError> {
    let (a, b) = (from.meta(), to.meta());
    if a.id == b.id {
        return Ok(());
    }
    let changes = if a.id.subject == b.id.subject { to.changes_since(a.id.seq)? } else { None };
    let mut changes =
        changes.ok_or_else(|| DiffError::Unknown { from: a.id.clone(), to: b.id.clone() })?;
    changes.retain(wanted);
    changes.sort_by(|a, b| (&a.kind, &a.key).cmp(&(&b.kind, &b.key)));
    for batch in changes.chunks(BATCH) {
        let keys: Vec<ResourceKey> = batch.iter().map(|c| c.key.clone()).collect();
        let mut before = fetch(from, &keys)?;
        let mut after = fetch(to, &keys)?;
        for change in batch {
            let (before, after) = (before.remove(&change.key), after.remove(&change.key));
            if !same(before.as_ref(), after.as_ref()) {
                let (key, kind) = (change.key.clone(), change.kind.clone());
                visit(Difference { key, kind, before, after });
            }
        }
    }
    Ok(())
}

fn fetch(
    facts: &dyn Facts,
    keys: &[ResourceKey],
) -> Result<BTreeMap<ResourceKey, Fact>, FactsError> {
    let mut found = BTreeMap::new();
    facts.fetch(keys, &mut |fact| {
        found.insert(fact.resource.key.clone(), fact);
    })?;
    Ok(found)
}

fn same(before: Option<&Fact>, after: Option<&Fact>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            let what = |f: &Fact| {
                let r = &f.resource;
                let place = (r.name.clone(), r.project.clone(), r.region.clone());
                (r.body.clone(), place, f.unseen_since.is_some())
            };
            what(a) == what(b)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}
