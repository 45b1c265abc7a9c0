//! Writing a snapshot: pages come in, one commit goes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::path::Path;
use tidegate_model::{
    Digest, Kind, KindCoverage, Resource, ResourceKey, Salt, SnapshotId, Subject, Timestamp, leaf,
};
use tokio::runtime::Handle;

use crate::follow::Reach;
use crate::index::{Broken, Through, place_of};
use crate::layout::segment_name;
use crate::manifest::{self, MANIFEST, Manifest};
use crate::merkle::Tree;
use crate::prepare::{Prepared, prepare};
use crate::spool::{Place, Spool, micros};
use crate::store::{Inner, Store};
use crate::{StoreError, records};

/// What a snapshot begins with.
pub struct Begin {
    /// When collecting began; the reference time of rules.
    pub taken_at: Timestamp,
    /// The tidegate that collects.
    pub tool_version: String,
    /// Gives random bytes: one salt for each new version of a body.
    pub salts: Box<dyn FnMut() -> Salt + Send>,
}

impl std::fmt::Debug for Begin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begin").field("taken_at", &self.taken_at).finish_non_exhaustive()
    }
}

/// What a commit did, in numbers of resources.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The new snapshot.
    pub id: SnapshotId,
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// New, or changed.
    pub put: u64,
    /// Gone.
    pub removed: u64,
    /// Not seen any more, though they may still be there.
    pub unseen: u64,
    /// Seen again, unchanged.
    pub seen: u64,
    /// Seen, as in the snapshot before.
    pub unchanged: u64,
}

/// A resource that was there before, came now, or both.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The version of the snapshot before.
    pub(crate) old: Option<Old>,
    /// When it was read in this run, in microseconds; `None` if it was not.
    pub(crate) read_at: Option<i64>,
    /// Its version, if that differs from the old one.
    pub(crate) new: Option<Box<New>>,
}

/// A version as the index knows it.
#[derive(Debug, Clone)]
pub(crate) struct Old {
    pub(crate) salt: Salt,
    pub(crate) leaf: Digest,
    pub(crate) place: u64,
    pub(crate) region: Option<Arc<str>>,
    /// Since which snapshot it is not seen, or 0.
    pub(crate) unseen: u64,
}

/// A version that waits in the spool.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) spooled: Place,
    pub(crate) salt: Salt,
    pub(crate) leaf: Digest,
    pub(crate) place: u64,
    pub(crate) region: Option<Arc<str>>,
}

/// The resources of one kind while a snapshot is written.
pub(crate) type Kinds = BTreeMap<ResourceKey, Known>;

/// A snapshot being written. Pages may come in any order. Dropping it aborts:
/// nothing remains but files that the next process to write deletes.
///
/// If a key comes twice, the version that was read later counts. Of two read
/// at the same microsecond it is the one that differs from the snapshot before,
/// and of two that do, the one with the greater body: the order of pages never
/// matters.
pub struct SnapshotWriter {
    pub(crate) inner: Arc<Inner>,
    pub(crate) subject: Subject,
    /// The snapshot before, with the hash of its bytes.
    pub(crate) head: Option<(Arc<Manifest>, Digest)>,
    /// Where the index stands meanwhile.
    through: Option<Through>,
    pub(crate) coverage: Vec<KindCoverage>,
    pub(crate) kinds: BTreeMap<Kind, Kinds>,
    pub(crate) spool: Spool,
    begin: Begin,
}

impl std::fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotWriter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Store {
    /// Begins the next snapshot of a subject, creating the store if needed.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process uses the store;
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] if the newest
    /// snapshot cannot be read, or if its manifest is gone.
    pub async fn begin(
        &self,
        subject: &Subject,
        begin: Begin,
    ) -> Result<SnapshotWriter, StoreError> {
        let inner = Arc::clone(&self.inner);
        inner.writable().await?;
        let seq = inner.settle(subject).await?;
        let head = if seq > 0 { Some(inner.manifest(subject, seq).await?) } else { None };
        let through = inner.in_step(subject, head.as_ref()).await?;
        let spool = Spool::create(&inner.temp_folder(), subject, inner.fail.clone())?;
        Ok(SnapshotWriter {
            inner,
            subject: subject.clone(),
            head,
            through,
            coverage: Vec::new(),
            kinds: BTreeMap::new(),
            spool,
            begin,
        })
    }
}

impl Inner {
    /// Makes sure that the index holds exactly what the objects say; if it does
    /// not even after rebuilding, the reason is an object.
    async fn in_step(
        &self,
        subject: &Subject,
        head: Option<&(Arc<Manifest>, Digest)>,
    ) -> Result<Option<Through>, StoreError> {
        let generation = self.layout(subject).await?.generation;
        let expected = head.map(|(m, hash)| Through { seq: m.seq, generation, manifest: *hash });
        let right = || self.ask(|index| index.through(subject)) == Some(expected);
        if right() {
            return Ok(expected);
        }
        let mut problems = Vec::new();
        match self.catch_up_subject(&Reach::Slot(self), subject).await? {
            Ok(problem) => problems.extend(problem),
            Err(broken) => self.discard(&broken),
        }
        if !right() {
            self.discard(&Broken("it is not in step".into()));
            problems = self.rebuild().await?;
        }
        if right() {
            return Ok(expected);
        }
        let why = problems.into_iter().next().unwrap_or_else(|| "it is not in step".into());
        Err(StoreError::Index { why })
    }
}

impl SnapshotWriter {
    /// The snapshot that a commit will make.
    #[must_use]
    pub fn id(&self) -> SnapshotId {
        let seq = self.head.as_ref().map_or(0, |(m, _)| m.seq) + 1;
        SnapshotId { subject: self.subject.clone(), seq }
    }

    /// Takes a page. Each resource is compared at once; only what changed is
    /// kept, in a temporary file.
    ///
    /// # Errors
    /// [`StoreError::BadResource`] for a key that names another kind;
    /// [`StoreError::Io`] if the temporary file cannot be written.
    pub fn put(&mut self, page: Vec<Resource>) -> Result<(), StoreError> {
        page.into_iter().try_for_each(|resource| self.put_one(&resource))
    }

    fn put_one(&mut self, resource: &Resource) -> Result<(), StoreError> {
        let bad = |why| StoreError::BadResource { key: resource.key.to_string(), why };
        if resource.key.kind() != resource.kind.as_str() {
            return Err(bad("its key names another kind"));
        }
        if !self.kinds.contains_key(&resource.kind) {
            let known = self.load(&resource.kind)?;
            self.kinds.insert(resource.kind.clone(), known);
        }
        let Some(kind) = self.kinds.get_mut(&resource.kind) else { return Ok(()) };
        let read_at = micros(resource);
        let place = place_of(resource);
        let known = kind.entry(resource.key.clone()).or_default();
        if known.read_at.is_some_and(|before| before > read_at) {
            return Ok(());
        }
        let tie = known.read_at == Some(read_at);
        known.read_at = Some(read_at);
        let key = resource.key.as_str();
        let same_body = known.old.as_ref().filter(|o| leaf(key, &o.salt, &resource.body) == o.leaf);
        if same_body.is_some_and(|o| o.place == place) {
            if !tie {
                known.new = None;
            }
            return Ok(());
        }
        if let (true, Some(new)) = (tie, &known.new) {
            let other = self.spool.read(new.spooled)?;
            if other.body().is_some_and(|b| b.as_ref() >= resource.body.as_bytes()) {
                return Ok(());
            }
        }
        // The salt lives as long as the version of the body.
        let salt = same_body.map_or_else(&mut self.begin.salts, |o| o.salt);
        known.new = Some(Box::new(New {
            spooled: self.spool.push(resource, &salt)?,
            salt,
            leaf: same_body.map_or_else(|| leaf(key, &salt, &resource.body), |o| o.leaf),
            place,
            region: resource.region.clone(),
        }));
        Ok(())
    }

    /// Says that a kind in a region is done, one way or another. What is never
    /// said to be listed completely removes nothing.
    pub fn cover(&mut self, coverage: KindCoverage) {
        self.coverage.push(coverage);
    }

    /// The resources of a kind in the snapshot before.
    pub(crate) fn load(&self, kind: &Kind) -> Result<Kinds, StoreError> {
        let Some((head, _)) = &self.head else { return Ok(Kinds::new()) };
        let Some(expected) = head.kinds.get(kind) else { return Ok(Kinds::new()) };
        if let Some(known) = self.load_once(head.seq, kind)? {
            if root(&known) == (expected.count, expected.root) {
                return Ok(known);
            }
            self.inner.discard(&Broken(format!("its `{kind}` do not have their root")));
        }
        self.inner.wait(self.inner.rebuild())?;
        let known = self.load_once(head.seq, kind)?.unwrap_or_default();
        if root(&known) == (expected.count, expected.root) {
            return Ok(known);
        }
        let path = manifest::path(&self.subject, head.seq).to_string();
        Err(StoreError::damaged(path, format!("the `{kind}` it names are not in the segments")))
    }

    fn load_once(&self, seq: u64, kind: &Kind) -> Result<Option<Kinds>, StoreError> {
        Ok(self.inner.ask(|index| {
            let mut known = Vec::new();
            index.scan(&self.subject, kind, &mut |key, entry| {
                if let Some(standing) = entry.at(seq) {
                    let key = ResourceKey::new(key).map_err(|e| Broken(e.to_string()))?;
                    let old = Old {
                        salt: entry.salt,
                        leaf: entry.leaf,
                        place: entry.place,
                        region: entry.region,
                        unseen: standing.unseen,
                    };
                    known.push((key, Known { old: Some(old), ..Known::default() }));
                }
                Ok(())
            })?;
            Ok(Kinds::from_iter(known))
        }))
    }

    /// Writes the segment, then the manifest, then the index, each durable
    /// before the next. After an error the store holds the snapshot before;
    /// only if the manifest's own put says that it failed although it did not,
    /// it holds the new one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer was first;
    /// [`StoreError::Objects`] and [`StoreError::Io`] if storage fails, a full
    /// disk for instance.
    pub async fn commit(self) -> Result<Committed, StoreError> {
        let id = self.id();
        let inner = Arc::clone(&self.inner);
        let taken_at = self.begin.taken_at;
        let tool_version = self.begin.tool_version.clone();
        let previous = self.head.as_ref().map(|(_, hash)| *hash);
        let before = self.through;
        let prepared = offload(move || prepare(self)).await??;
        let Prepared { segment, sha256, coverage, kinds, events, counts } = prepared;
        let objects = inner.open_objects()?;
        let name = segment_name(id.seq, &sha256);
        let path = Path::from(format!("segments/{}/{name}", id.subject));
        objects.put_file(&path, &segment.path).await?;
        drop(segment);
        let mut manifest = Manifest {
            schema: MANIFEST.to_owned(),
            subject: id.subject.clone(),
            seq: id.seq,
            taken_at,
            tool_version,
            coverage,
            kinds,
            delta: sha256,
            record: records::newest(objects, &id.subject).await?,
            previous,
            checksum: sha256,
        };
        let bytes = manifest.seal()?;
        let hash = Digest::of(&bytes);
        if !objects.create(&manifest::path(&id.subject, id.seq), bytes).await? {
            let SnapshotId { subject, seq } = id;
            return Err(StoreError::Conflict { subject, seq });
        }
        // Committed. If the index fails now it is rebuilt later.
        let subject = id.subject.clone();
        let generation = before.map_or(0, |t| t.generation);
        let through = Through { seq: id.seq, generation, manifest: hash };
        offload(move || {
            inner.ask(|i| i.apply(&subject, before, through, &mut events.into_iter().map(Ok)));
        })
        .await?;
        let [put, removed, unseen, seen, unchanged] = counts;
        Ok(Committed { id, manifest: Arc::new(manifest), put, removed, unseen, seen, unchanged })
    }
}

/// The number and the root of what the snapshot before held.
fn root(known: &Kinds) -> (u64, Digest) {
    let mut tree = Tree::default();
    known.values().filter_map(|k| k.old.as_ref()).for_each(|o| tree.push(o.leaf));
    (tree.count(), tree.root())
}

/// Does work that takes long on a thread where that is fine, if there is a
/// runtime to ask for one.
pub(crate) async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    match Handle::try_current() {
        Ok(handle) => handle
            .spawn_blocking(work)
            .await
            .map_err(|e| StoreError::Index { why: format!("its task ended: {e}") }),
        Err(_) => Ok(work()),
    }
}
