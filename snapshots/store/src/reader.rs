//! Reading a snapshot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidegate_model::{
    Change, Digest, Fact, Facts, FactsError, Kind, Resource, ResourceKey, Salt, SnapshotId,
    SnapshotMeta, Timestamp, leaf,
};

use crate::StoreError;
use crate::layout::Layout;
use crate::manifest::{self, Manifest};
use crate::merkle::Tree;
use crate::rows::Rows;
use crate::segment::{Columns, Row, Segment};
use crate::state::{Found, Located};
use crate::store::{Inner, locked};
use crate::versions::{Placed, place};

/// One snapshot of a store; the [`Facts`] that rules and plans are given.
///
/// Every segment is checked against its manifest when it is first used, every
/// body against its leaf, and a whole kind against its Merkle root: an error
/// names the object that does not fit.
///
/// Calls block on storage. On a thread of a single-threaded runtime they would
/// wait for a network that nobody drives, so use `spawn_blocking` there.
///
/// `Resource::read_at` is when the version was first read, to the microsecond:
/// nothing is stored for a resource that did not change. When it was last
/// confirmed is in the coverage of its kind.
pub struct SnapshotReader {
    inner: Arc<Inner>,
    manifest: Arc<Manifest>,
    /// Where rows are; a compaction meanwhile changes nothing for this reader.
    layout: Arc<Layout>,
    meta: SnapshotMeta,
    /// Where the resources of a kind are, for kinds that were asked for.
    kinds: Mutex<BTreeMap<Kind, Arc<Vec<Located>>>>,
}

impl std::fmt::Debug for SnapshotReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotReader").field("id", &self.meta.id).finish_non_exhaustive()
    }
}

impl SnapshotReader {
    pub(crate) fn new(inner: Arc<Inner>, manifest: Arc<Manifest>, layout: Arc<Layout>) -> Self {
        let meta = manifest.meta();
        Self { inner, manifest, layout, meta, kinds: Mutex::new(BTreeMap::new()) }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    pub(crate) fn shared_manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The text of its manifest, as it is in the log.
    ///
    /// # Errors
    /// [`StoreError::Objects`] or [`StoreError::Missing`] if it cannot be read.
    pub fn manifest_text(&self) -> Result<String, StoreError> {
        self.inner.wait(self.inner.manifest_text(&self.meta.id))
    }

    /// The SHA-256 of its manifest's bytes, by which the next one names it.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if it has to be read again and cannot.
    pub fn manifest_sha256(&self) -> Result<Digest, StoreError> {
        let SnapshotId { subject, seq } = &self.meta.id;
        self.inner.wait(self.inner.manifest(subject, *seq)).map(|(_, hash)| hash)
    }

    /// The kinds that have resources, in order, with their numbers; unseen
    /// resources count.
    pub fn kinds(&self) -> impl Iterator<Item = (&Kind, u64)> {
        self.manifest.kinds.iter().map(|(kind, tree)| (kind, tree.count))
    }

    pub(crate) fn located(&self, kind: &Kind) -> Result<Arc<Vec<Located>>, StoreError> {
        if let Some(known) = locked(&self.kinds).get(kind) {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.inner.located(&self.layout, &self.manifest, kind)?);
        locked(&self.kinds).insert(kind.clone(), Arc::clone(&found));
        Ok(found)
    }

    /// Reads resources that are given in order of key bytes, one kind; hands
    /// over each with its leaf and salt.
    pub(crate) fn read(
        &self,
        located: &[Located],
        visit: &mut dyn FnMut(Fact, Digest, Option<Salt>),
    ) -> Result<(), StoreError> {
        let wanted = located.iter().map(|l| (l.standing.seq, l.standing.row));
        let mut rows = Rows::new(&self.inner, &self.layout, Columns::FACTS, wanted)?;
        let mut seen = LastSeen::default();
        let mut shared = Shared::default();
        for l in located {
            let Some((segment, row)) = rows.next(l.standing.seq, &l.key)? else { continue };
            let unseen_since = self.unseen_since(&mut seen, l)?;
            let (resource, found) = shared.resource(segment, l, &row)?;
            visit(Fact { resource, unseen_since }, found, row.salt);
        }
        Ok(())
    }

    fn each_checked(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), StoreError> {
        self.each_sealed(kind, &mut |fact, _, _| visit(fact))
    }

    /// As [`Facts::each`], with leaf and salt.
    pub(crate) fn each_sealed(
        &self,
        kind: &Kind,
        visit: &mut dyn FnMut(Fact, Digest, Option<Salt>),
    ) -> Result<(), StoreError> {
        let Some(expected) = self.manifest.kinds.get(kind) else { return Ok(()) };
        let located = self.located(kind)?;
        let mut tree = Tree::default();
        self.read(&located, &mut |fact, leaf, salt| {
            tree.push(leaf);
            visit(fact, leaf, salt);
        })?;
        if tree.root() != expected.root {
            let id = &self.meta.id;
            let why = format!("the resources of `{kind}` do not have the root it names");
            return Err(StoreError::damaged(manifest::path(&id.subject, id.seq).to_string(), why));
        }
        Ok(())
    }

    /// Hands over the resources of a kind in order of key bytes, without their
    /// bodies: where `places` is set with the rest of each, else only which there
    /// are, for which no segment is read with the index. Without bodies there is no
    /// root to compare; the number is that of the manifest.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming an object.
    pub fn outline(
        &self,
        kind: &Kind,
        places: bool,
        visit: &mut dyn FnMut(Outline),
    ) -> Result<(), StoreError> {
        let located = self.located(kind)?;
        let wanted = located.iter().filter(|_| places).map(|l| (l.standing.seq, l.standing.row));
        let mut rows = Rows::new(&self.inner, &self.layout, Columns::PLACES, wanted)?;
        let mut shared = Shared::default();
        let mut seen = LastSeen::default();
        for l in located.iter() {
            let row = if places { rows.next(l.standing.seq, &l.key)? } else { None };
            let placed = row.map(|(segment, row)| place(&mut shared, segment, &l.key, &row));
            visit(Outline {
                key: l.key.clone(),
                unseen_since: self.unseen_since(&mut seen, l)?,
                placed: placed.transpose()?,
            });
        }
        Ok(())
    }

    /// The time that a resource was last seen, if it is not.
    fn unseen_since(
        &self,
        seen: &mut LastSeen,
        located: &Located,
    ) -> Result<Option<Timestamp>, StoreError> {
        let unseen = located.standing.unseen;
        if unseen == 0 {
            return Ok(None);
        }
        if let Some(time) = seen.get(&unseen) {
            return Ok(Some(*time));
        }
        let last = self.inner.manifest(&self.meta.id.subject, unseen.saturating_sub(1));
        let time = self.inner.wait(last)?.0.taken_at;
        seen.insert(unseen, time);
        Ok(Some(time))
    }

    fn fetch_checked(
        &self,
        keys: &[ResourceKey],
        visit: &mut dyn FnMut(Fact),
    ) -> Result<(), StoreError> {
        let mut by_kind: BTreeMap<&str, Vec<&ResourceKey>> = BTreeMap::new();
        for key in keys {
            by_kind.entry(key.kind()).or_default().push(key);
        }
        for (kind, mut keys) in by_kind {
            let Ok(kind) = Kind::new(kind) else { continue };
            if !self.manifest.kinds.contains_key(&kind) {
                continue;
            }
            keys.sort();
            keys.dedup();
            let mut found = Vec::new();
            for key in keys {
                let known = locked(&self.kinds).get(&kind).cloned();
                let one = match known {
                    Some(all) => one_of(&all, key),
                    None => match self.inner.locate_one(&self.layout, &self.manifest, key) {
                        Found::Here(located) => Some(located),
                        Found::Absent => None,
                        Found::Unknown => one_of(&self.located(&kind)?, key),
                    },
                };
                found.extend(one);
            }
            self.read(&found, &mut |fact, _, _| visit(fact))?;
        }
        Ok(())
    }

    fn changes_checked(&self, since: u64) -> Result<Option<Vec<Change>>, StoreError> {
        if since == 0 || since >= self.meta.id.seq || self.layout.pruned.holds(since) {
            return Ok(None);
        }
        self.inner.changes(&self.layout, &self.manifest, since).map(Some)
    }

    fn error(&self, source: StoreError) -> FactsError {
        FactsError { snapshot: self.meta.id.clone(), source: Arc::new(source) }
    }
}

/// By snapshot, when the one before it was taken.
type LastSeen = BTreeMap<u64, Timestamp>;

/// A resource of a snapshot without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The resource.
    pub key: ResourceKey,
    /// Set if the collection did not see it, though it may still be there.
    pub unseen_since: Option<Timestamp>,
    /// Where it was, as far as it was asked for; its body is absent.
    pub placed: Option<Placed>,
}

fn one_of(all: &[Located], key: &ResourceKey) -> Option<Located> {
    let at = all.binary_search_by(|l| l.key.cmp(key)).ok()?;
    all.get(at).cloned()
}

impl Facts for SnapshotReader {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.each_checked(kind, visit).map_err(|e| self.error(e))
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.fetch_checked(keys, visit).map_err(|e| self.error(e))
    }

    fn changes_since(&self, seq: u64) -> Result<Option<Vec<Change>>, FactsError> {
        self.changes_checked(seq).map_err(|e| self.error(e))
    }

    fn at(&self, seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        if seq == 0 || seq > self.meta.id.seq || self.layout.pruned.holds(seq) {
            return Ok(None);
        }
        match self.inner.wait(self.inner.manifest(&self.meta.id.subject, seq)) {
            Ok((manifest, _)) => {
                let (inner, layout) = (Arc::clone(&self.inner), Arc::clone(&self.layout));
                Ok(Some(Box::new(Self::new(inner, manifest, layout))))
            }
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(e) => Err(self.error(e)),
        }
    }
}

/// Texts that many resources have in common, kept once.
#[derive(Default)]
pub(crate) struct Shared {
    texts: BTreeMap<Box<str>, Arc<str>>,
    kind: Option<Kind>,
}

impl Shared {
    /// The resource of a row that has been checked, and its leaf.
    fn resource(
        &mut self,
        segment: &Segment,
        located: &Located,
        row: &Row,
    ) -> Result<(Resource, Digest), StoreError> {
        let key = &located.key;
        let lacking = || segment.damaged(format!("the row of `{key}` lacks a value"));
        let (body, found) = match (row.body(), row.salt, row.leaf) {
            (Some(body), Some(salt), None) => {
                let body = segment.text(body)?;
                (body, leaf(key.as_str(), &salt, body))
            }
            // Erased: the hash is all there is.
            (None, None, Some(leaf)) => ("", leaf),
            _ => return Err(lacking()),
        };
        if located.leaf.is_some_and(|expected| expected != found) {
            return Err(segment.damaged(format!("the body of `{key}` does not have its leaf hash")));
        }
        let kind = match &self.kind {
            Some(kind) if kind.as_str() == key.kind() => kind.clone(),
            _ => Kind::new(key.kind()).map_err(|e| segment.damaged(e))?,
        };
        self.kind = Some(kind.clone());
        let read_at = row.read_at.ok_or_else(lacking)?;
        let resource = Resource {
            key: key.clone(),
            kind,
            region: self.text(segment, row.region())?,
            project: self.text(segment, row.project())?,
            name: row.name().map(|n| segment.text(n).map(Arc::from)).transpose()?,
            body: Arc::from(body),
            source: self.text(segment, row.source())?.ok_or_else(lacking)?,
            read_at: Timestamp::from_microsecond(read_at).map_err(|e| segment.damaged(e))?,
        };
        Ok((resource, found))
    }

    pub(crate) fn text(
        &mut self,
        segment: &Segment,
        bytes: Option<&[u8]>,
    ) -> Result<Option<Arc<str>>, StoreError> {
        let Some(bytes) = bytes else { return Ok(None) };
        let text = segment.text(bytes)?;
        if let Some(known) = self.texts.get(text) {
            return Ok(Some(Arc::clone(known)));
        }
        let shared: Arc<str> = Arc::from(text);
        self.texts.insert(text.into(), Arc::clone(&shared));
        Ok(Some(shared))
    }
}
