//! The store as a whole: what it shares between writers and readers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use object_store::path::Path;
use tidegate_model::{Digest, SnapshotId, Subject};
use tokio::runtime::Handle;

use crate::block::block;
use crate::fail::Fail;
use crate::index::{Broken, Index};
use crate::layout::Layout;
use crate::manifest::{self, Manifest};
use crate::objects::{Objects, Wrap};
use crate::segment::{Segment, Source};
use crate::{At, Bucket, SnapshotReader, StoreError};

/// A store of snapshots in a folder or a bucket. Cheap to clone; clones share
/// everything.
///
/// Of a folder one process at a time writes; others can read meanwhile, from the
/// segments. A bucket has any number of writers: of two on one subject the first
/// to commit wins. Dropping the last handle closes the index.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    pub(crate) notices: Arc<[String]>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.root).finish_non_exhaustive()
    }
}

pub(crate) struct Inner {
    /// Where index, lock and temporary files are; and the objects, unless they
    /// are in a bucket.
    pub(crate) root: PathBuf,
    pub(crate) bucket: Option<Bucket>,
    pub(crate) handle: Option<Handle>,
    pub(crate) fail: Fail,
    pub(crate) wrap: Option<Box<Wrap>>,
    objects: OnceLock<Objects>,
    pub(crate) slot: RwLock<Slot>,
    /// Held while this process may write.
    pub(crate) lock: Mutex<Option<File>>,
    /// The subjects whose crashed writers were cleared away after.
    pub(crate) swept: tokio::sync::Mutex<BTreeSet<Subject>>,
    /// By subject, the newest snapshot that an index knew and whose manifest is
    /// gone.
    pub(crate) lost: Mutex<BTreeMap<Subject, u64>>,
    manifests: Mutex<BTreeMap<(Subject, u64), Hashed>>,
    pub(crate) layouts: Mutex<BTreeMap<Subject, Arc<Layout>>>,
    /// By subject and file name.
    pub(crate) segments: Mutex<BTreeMap<(Subject, String), Arc<Segment>>>,
}

/// A manifest with the SHA-256 of its bytes.
type Hashed = (Arc<Manifest>, Digest);

/// The index, or why there is none.
pub(crate) enum Slot {
    /// Nothing was written yet.
    Absent,
    /// Another process has it.
    Locked,
    /// The folder cannot be written.
    Off,
    /// It was thrown away; the next writer rebuilds it.
    Broken,
    /// In use.
    Ready(Index),
}

impl Inner {
    pub(crate) fn new(root: PathBuf, fail: Fail, wrap: Option<Box<Wrap>>) -> Self {
        Self {
            root,
            bucket: None,
            handle: Handle::try_current().ok(),
            fail,
            wrap,
            objects: OnceLock::new(),
            slot: RwLock::new(Slot::Absent),
            lock: Mutex::new(None),
            swept: tokio::sync::Mutex::default(),
            lost: Mutex::default(),
            manifests: Mutex::new(BTreeMap::new()),
            layouts: Mutex::default(),
            segments: Mutex::default(),
        }
    }

    pub(crate) fn index_folder(&self) -> PathBuf {
        self.root.join("index")
    }

    pub(crate) fn temp_folder(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Waits for a future in a synchronous call.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        block(self.handle.as_ref(), future)
    }

    /// The objects, or `None` while nothing was written.
    pub(crate) fn objects(&self) -> Option<&Objects> {
        self.objects.get()
    }

    /// What is needed of a bucket, in the first cache folder that is free.
    pub(crate) fn in_bucket(bucket: Bucket) -> Result<Self, StoreError> {
        let (root, lock) = bucket.slot()?;
        let mut inner = Self::new(root, Fail::default(), None);
        *locked(&inner.lock) = Some(lock);
        inner.bucket = Some(bucket);
        Ok(inner)
    }

    /// Opens the objects; a folder must exist.
    pub(crate) fn open_objects(&self) -> Result<&Objects, StoreError> {
        if let Some(objects) = self.objects.get() {
            return Ok(objects);
        }
        let wrap = self.wrap.as_deref();
        let objects = match &self.bucket {
            None => Objects::local(&self.root, wrap)?,
            Some(bucket) => Objects::of(bucket.connect()?, wrap),
        };
        Ok(self.objects.get_or_init(|| objects))
    }

    /// The newest snapshot of a subject, or 0.
    pub(crate) async fn head(&self, subject: &Subject) -> Result<u64, StoreError> {
        let Some(objects) = self.objects() else { return Ok(0) };
        let folder = Path::from(format!("manifests/{subject}"));
        Ok(objects.numbers(&folder).await?.last().copied().unwrap_or(0))
    }

    /// A manifest, checked, with the SHA-256 of its bytes.
    pub(crate) async fn manifest(&self, subject: &Subject, seq: u64) -> Result<Hashed, StoreError> {
        let id = (subject.clone(), seq);
        if let Some(known) = locked(&self.manifests).get(&id) {
            return Ok(known.clone());
        }
        let path = manifest::path(subject, seq);
        let missing = || StoreError::Missing { object: path.to_string() };
        let bytes = self.objects().ok_or_else(missing)?.get(&path).await?;
        let read = Arc::new(Manifest::open(subject, seq, &bytes)?);
        let both = (read, Digest::of(&bytes));
        locked(&self.manifests).insert(id, both.clone());
        Ok(both)
    }

    pub(crate) async fn manifest_text(&self, id: &SnapshotId) -> Result<String, StoreError> {
        let path = manifest::path(&id.subject, id.seq);
        let missing = || StoreError::Missing { object: path.to_string() };
        let bytes = self.objects().ok_or_else(missing)?.get(&path).await?;
        String::from_utf8(bytes.into()).map_err(|e| StoreError::damaged(path.to_string(), e))
    }

    /// Where parts of segments are read from.
    pub(crate) fn source(&self) -> Result<Source, StoreError> {
        let objects = self.open_objects()?.clone();
        Ok(Source::Ranges { objects, handle: self.handle.clone() })
    }

    /// Asks the index, if it can be used. What is wrong with it makes it
    /// unused from then on; the answer is `None` then, too.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Index) -> Result<T, Broken>) -> Option<T> {
        match self.try_ask(question)? {
            Ok(answer) => Some(answer),
            Err(broken) => {
                self.discard(&broken);
                None
            }
        }
    }

    /// As [`Inner::ask`], for those who mend the index themselves.
    pub(crate) fn try_ask<T>(
        &self,
        question: impl FnOnce(&Index) -> Result<T, Broken>,
    ) -> Option<Result<T, Broken>> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let Slot::Ready(index) = &*slot else { return None };
        Some(question(index))
    }

    /// Throws the index away; the next writer, or the next start, rebuilds it.
    pub(crate) fn discard(&self, why: &Broken) {
        tracing::warn!(%why, "the index is not used any more and will be rebuilt");
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*slot, Slot::Ready(_)) {
            drop(std::mem::replace(&mut *slot, Slot::Broken));
            if let Err(error) = crate::index::remove(&self.index_folder()) {
                tracing::warn!(%error, "the index cannot be deleted");
            }
        }
    }

    /// Forgets what was read of objects.
    pub(crate) fn forget(&self) {
        locked(&self.manifests).clear();
        locked(&self.layouts).clear();
        locked(&self.segments).clear();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Slot::Ready(index) = std::mem::replace(slot, Slot::Absent) {
            let folder = self.index_folder();
            let closed = index.close(&folder);
            // Without a seal the next start only has more to check.
            if let Err(error) = closed.and_then(|()| crate::index::seal(&folder)) {
                tracing::debug!(%error, "the index is not sealed");
            }
        }
    }
}

/// Locks; that another thread panicked meanwhile does not matter to a cache.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the store in a folder. Nothing is created before the first write.
    ///
    /// The index is checked against the manifests: what it lacks is replayed
    /// and what is wrong with it is mended by rebuilding it; [`Store::notices`]
    /// says so. If another process has it, this one reads from the segments.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a store of a newer format; [`StoreError::Io`]
    /// and [`StoreError::Objects`] if the folder cannot be read.
    pub async fn open(path: &FsPath) -> Result<Self, StoreError> {
        Self::open_with(Inner::new(path.to_path_buf(), Fail::default(), None)).await
    }

    /// Opens the store for reading and for records alone: the index, and with it
    /// the right to write snapshots, is left to others. For what takes long and
    /// must not keep a nightly collection waiting.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_for_records(path: &FsPath) -> Result<Self, StoreError> {
        let inner = Arc::new(Inner::new(path.to_path_buf(), Fail::default(), None));
        inner.look().await?;
        Ok(Self { inner, notices: Vec::new().into() })
    }

    /// Opens the store in a bucket, which must exist. As [`Store::open`], but that
    /// others may write at the same time, also for [`Store::open_for_records`].
    ///
    /// Needs a runtime with more than one thread: calls that block on storage wait
    /// for the others to drive the network.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::Objects`] if the bucket cannot be reached.
    pub async fn open_bucket(bucket: Bucket) -> Result<Self, StoreError> {
        Self::open_with(Inner::in_bucket(bucket)?).await
    }

    pub(crate) async fn open_with(inner: Inner) -> Result<Self, StoreError> {
        let inner = Arc::new(inner);
        let notices = inner.start().await?;
        Ok(Self { inner, notices: notices.into() })
    }

    /// The folder of the store; for one in a bucket, that of its index.
    #[must_use]
    pub fn path(&self) -> &FsPath {
        &self.inner.root
    }

    /// Waits for what this store does, in a synchronous call; not for the threads
    /// of a single-threaded runtime.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.inner.wait(future)
    }

    /// What to call the store in messages: its folder, or its address.
    #[must_use]
    pub fn name(&self) -> String {
        let folder = || self.inner.root.display().to_string();
        self.inner.bucket.as_ref().map_or_else(folder, |b| b.url().to_owned())
    }

    /// What opening had to mend or do without; each one clause, for people.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The subjects that have snapshots, in order.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if the store cannot be read.
    pub async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        let Some(objects) = self.inner.objects() else { return Ok(Vec::new()) };
        let mut subjects = Vec::new();
        for subject in objects.subjects("manifests").await? {
            if self.inner.head(&subject).await? > 0 {
                subjects.push(subject);
            }
        }
        Ok(subjects)
    }

    /// The snapshots of a subject, oldest first; none of an unknown subject.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming a manifest.
    pub async fn snapshots(&self, subject: &Subject) -> Result<Vec<Manifest>, StoreError> {
        let mut manifests = Vec::new();
        for seq in 1..=self.inner.head(subject).await? {
            manifests.push(self.inner.manifest(subject, seq).await?.0.as_ref().clone());
        }
        Ok(manifests)
    }

    /// The text of a manifest, as it is in the log; pruned snapshots have one, too.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming it.
    pub async fn manifest_text(&self, id: &SnapshotId) -> Result<String, StoreError> {
        self.inner.manifest_text(id).await
    }

    /// The snapshot that is meant by a point in time.
    ///
    /// By time it is the one with the highest number among those taken at or
    /// before it. Snapshots that were pruned do not count; asked for by its
    /// number, one is an error.
    ///
    /// # Errors
    /// [`StoreError::NoSubject`], [`StoreError::NoneBefore`],
    /// [`StoreError::TooFarBack`], [`StoreError::NoSnapshot`],
    /// [`StoreError::Pruned`] and [`StoreError::OtherSubject`] say what there is
    /// instead.
    pub async fn resolve(&self, subject: &Subject, at: &At) -> Result<SnapshotId, StoreError> {
        let newest = self.inner.head(subject).await?;
        if newest == 0 {
            let known = self.subjects().await?;
            return Err(StoreError::NoSubject { subject: subject.clone(), known });
        }
        let layout = self.inner.layout(subject).await?;
        let id = |seq| SnapshotId { subject: subject.clone(), seq };
        let seq = match at {
            At::Latest { back } => {
                let before = usize::try_from(*back).unwrap_or(usize::MAX);
                let seq = layout.kept(newest).rev().nth(before);
                seq.ok_or_else(|| StoreError::TooFarBack {
                    subject: subject.clone(),
                    back: *back,
                    count: newest - layout.pruned.count(),
                })?
            }
            At::Id(id) if id.subject != *subject => {
                let (id, subject) = (id.clone(), subject.clone());
                return Err(StoreError::OtherSubject { id, subject });
            }
            At::Id(id) if id.seq == 0 || id.seq > newest => {
                return Err(StoreError::NoSnapshot { id: id.clone(), newest });
            }
            At::Id(found) if layout.pruned.holds(found.seq) => {
                return Err(StoreError::Pruned {
                    id: found.clone(),
                    before: layout.kept(found.seq).next_back().map(id),
                    after: layout.kept(newest).find(|&seq| seq > found.seq).map(id),
                });
            }
            At::Id(id) => id.seq,
            At::Time(time) => {
                let mut first = None;
                let mut found = None;
                for seq in layout.kept(newest).rev() {
                    let (manifest, _) = self.inner.manifest(subject, seq).await?;
                    if manifest.taken_at <= *time {
                        found = Some(seq);
                        break;
                    }
                    first = Some(manifest.taken_at);
                }
                found.ok_or_else(|| StoreError::NoneBefore {
                    subject: subject.clone(),
                    time: *time,
                    first: first.unwrap_or(*time),
                })?
            }
        };
        Ok(SnapshotId { subject: subject.clone(), seq })
    }

    /// A snapshot to read.
    ///
    /// # Errors
    /// [`StoreError::NoSubject`] or [`StoreError::NoSnapshot`] if there is
    /// none; [`StoreError::Damaged`] naming its manifest.
    pub async fn snapshot(&self, id: &SnapshotId) -> Result<SnapshotReader, StoreError> {
        let layout = self.inner.layout(&id.subject).await?;
        let found = match layout.pruned.holds(id.seq) {
            true => Err(StoreError::Missing { object: id.to_string() }),
            false => self.inner.manifest(&id.subject, id.seq).await,
        };
        match found {
            Ok((manifest, _)) => Ok(SnapshotReader::new(Arc::clone(&self.inner), manifest, layout)),
            Err(e) => {
                // Listing all manifests is only worth it to say what there is instead.
                self.resolve(&id.subject, &At::Id(id.clone())).await?;
                Err(e)
            }
        }
    }

    /// The blob that the policy engine kept for a subject under a digest. It
    /// may vanish at any time; if the index is not at hand it is absent.
    #[must_use]
    pub fn carry(&self, subject: &Subject, digest: &Digest) -> Option<Vec<u8>> {
        self.inner.ask(|index| index.carry(subject, digest)).flatten()
    }

    /// Keeps a blob for [`Store::carry`]. Only some newest digests of a subject
    /// are kept; without an index nothing is.
    pub fn set_carry(&self, subject: &Subject, digest: &Digest, blob: &[u8]) {
        self.inner.ask(|index| index.set_carry(subject, digest, blob));
    }
}
