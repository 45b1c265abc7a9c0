//! Opening a store, and keeping the index in step with the objects.

use std::fs::{File, TryLockError};
use std::io;
use std::iter::once;
use std::path::Path as FsPath;
use std::sync::PoisonError;

use bytes::Bytes;
use object_store::path::Path;
use tidegate_model::{Subject, leaf};

use crate::index::{Broken, Event, Index, PutEvent, Seal, Through, index_key, place};
use crate::layout::{Layout, LiveSegment};
use crate::manifest;
use crate::objects::Objects;
use crate::segment::{Columns, Cursor, Op, Row, Segment, Source};
use crate::store::{Inner, Slot, locked};
use crate::{Bucket, Store, StoreError};

/// The format of stores written here.
const FORMAT: &str = "tidegate.store/v1";

/// What [`Store::reindex`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// By subject, how many snapshots the index holds now.
    pub snapshots: Vec<(Subject, u64)>,
    /// What could not be taken over, each one clause.
    pub problems: Vec<String>,
}

impl Store {
    /// Throws the index away and builds it anew from the objects.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process uses the store.
    pub async fn reindex(&self) -> Result<Reindexed, StoreError> {
        let inner = &self.inner;
        if inner.objects().is_none() {
            return Ok(Reindexed { snapshots: Vec::new(), problems: Vec::new() });
        }
        inner.writable().await?;
        inner.forget();
        inner.discard(&Broken("it is rebuilt on request".into()));
        let problems = inner.rebuild().await?;
        let mut snapshots = Vec::new();
        for subject in self.subjects().await? {
            let through = inner.ask(|i| i.through(&subject)).flatten().map_or(0, |t| t.seq);
            snapshots.push((subject, through));
        }
        Ok(Reindexed { snapshots, problems })
    }
}

impl Inner {
    /// Looks at what is there; gives whether there is a store. The index stays
    /// closed.
    pub(crate) async fn look(&self) -> Result<bool, StoreError> {
        if let Some(bucket) = &self.bucket {
            return self.look_into(bucket).await;
        }
        let exists = |name: &str| self.root.join(name).exists();
        if !exists("format.json") && !exists("manifests") {
            return match std::fs::metadata(&self.root) {
                Ok(found) if !found.is_dir() => {
                    let e = io::Error::from(io::ErrorKind::NotADirectory);
                    Err(StoreError::io("open store", &self.root)(e))
                }
                _ => Ok(false),
            };
        }
        let objects = self.open_objects()?;
        let path = Path::from("format.json");
        if let Some(bytes) = objects.find(&path).await? {
            manifest::parse("format.json", &bytes, FORMAT)?;
        }
        self.set(Slot::Off);
        Ok(true)
    }

    /// As [`Inner::look`], over the network.
    async fn look_into(&self, bucket: &Bucket) -> Result<bool, StoreError> {
        let objects = Objects::of(bucket.connect()?, self.wrap.as_deref());
        match objects.find(&Path::from("format.json")).await? {
            Some(bytes) => drop(manifest::parse("format.json", &bytes, FORMAT)?),
            None if objects.subjects("manifests").await?.is_empty() => return Ok(false),
            None => {}
        }
        self.open_objects()?;
        self.set(Slot::Off);
        Ok(true)
    }

    /// Looks at what is there and opens the index; gives notices.
    pub(crate) async fn start(&self) -> Result<Vec<String>, StoreError> {
        if !self.look().await? {
            return Ok(Vec::new());
        }
        match self.take_lock() {
            Ok(()) => {}
            Err(StoreError::Locked { .. }) => {
                self.set(Slot::Locked);
                return Ok(vec![
                    "another process is using the store: reading from its segments".into(),
                ]);
            }
            Err(StoreError::Io { source, .. }) => {
                let notice =
                    format!("the store cannot be written ({source}): reading its segments");
                self.set(Slot::Off);
                return Ok(vec![notice]);
            }
            Err(other) => return Err(other),
        }
        match self.open_index().await {
            Ok(notices) => Ok(notices),
            // A full disk, for instance. What is there can still be read.
            Err(e @ (StoreError::Index { .. } | StoreError::Io { .. })) => {
                self.set(Slot::Off);
                Ok(vec![format!("reading from the segments: {}", with_causes(&e))])
            }
            Err(e) => Err(e),
        }
    }

    /// Makes sure that this process may write and the index is in step;
    /// creates the store if there is none.
    pub(crate) async fn writable(&self) -> Result<(), StoreError> {
        create_folder(&self.root).map_err(StoreError::io("create folder", &self.root))?;
        let fresh = {
            let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
            match &*slot {
                Slot::Ready(_) => return Ok(()),
                Slot::Broken => true,
                Slot::Absent | Slot::Locked | Slot::Off => false,
            }
        };
        if fresh {
            self.rebuild().await?;
            return Ok(());
        }
        self.take_lock()?;
        let objects = self.open_objects()?;
        let format = serde_json::json!({ "schema": FORMAT }).to_string();
        objects.create(&Path::from("format.json"), Bytes::from(format)).await?;
        for notice in self.open_index().await? {
            tracing::info!(notice);
        }
        Ok(())
    }

    fn take_lock(&self) -> Result<(), StoreError> {
        let mut held = locked(&self.lock);
        if held.is_some() {
            return Ok(());
        }
        let path = self.root.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(StoreError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                *held = Some(file);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: self.root.clone() }),
            Err(TryLockError::Error(e)) => Err(StoreError::io("lock", &path)(e)),
        }
    }

    fn set(&self, slot: Slot) {
        *self.slot.write().unwrap_or_else(PoisonError::into_inner) = slot;
    }

    /// Opens the index and brings it in step; the lock is held.
    async fn open_index(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.index_folder();
        let objects = self.open_objects()?;
        let used = !objects.subjects("manifests").await?.is_empty();
        let why = match crate::index::sealed(&folder) {
            Err(e) => e.to_string(),
            Ok(Seal::Wrong) => "its files were changed".to_owned(),
            Ok(Seal::Right | Seal::None) if used && !folder.join("db").exists() => {
                "it was missing".to_owned()
            }
            Ok(Seal::Right | Seal::None) => {
                let opened = Index::open(&folder, self.fail.clone());
                if let Ok(index) = &opened {
                    self.note_lost(index).await?;
                }
                match self.catch_up(opened).await? {
                    Ok((index, notices)) => {
                        self.set(Slot::Ready(index));
                        return Ok(notices);
                    }
                    Err(broken) => broken.to_string(),
                }
            }
        };
        let mut notices = self.rebuild().await?;
        notices.insert(0, format!("the index was rebuilt: {why}"));
        Ok(notices)
    }

    /// Builds the index anew; the lock is held and no index is open. Gives
    /// what could not be taken over.
    pub(crate) async fn rebuild(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.index_folder();
        crate::index::remove(&folder).map_err(StoreError::io("delete", &folder))?;
        let opened = Index::open(&folder, self.fail.clone());
        let opened = opened.and_then(|i| i.set_lost(&locked(&self.lost)).map(|()| i));
        match self.catch_up(opened).await? {
            Ok((index, notices)) => {
                self.set(Slot::Ready(index));
                Ok(notices.into_iter().filter(|n| !n.starts_with("the index was behind")).collect())
            }
            Err(Broken(why)) => {
                let _ = crate::index::remove(&folder);
                Err(StoreError::Index { why })
            }
        }
    }

    /// Replays what an index lacks.
    async fn catch_up(
        &self,
        opened: Result<Index, Broken>,
    ) -> Result<Result<(Index, Vec<String>), Broken>, StoreError> {
        let index = match opened {
            Ok(index) => index,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut notices = Vec::new();
        let subjects = self.open_objects()?.subjects("manifests").await?;
        let known = match index.subjects() {
            Ok(known) => known,
            Err(broken) => return Ok(Err(broken)),
        };
        if let Some(gone) = known.iter().find(|s| !subjects.contains(*s)) {
            return Ok(Err(Broken(format!("it holds `{gone}`, which the store does not"))));
        }
        for subject in subjects {
            match self.catch_up_subject(&Reach::Own(&index), &subject).await? {
                Ok(notice) => notices.extend(notice),
                Err(broken) => return Ok(Err(broken)),
            }
        }
        Ok(Ok((index, notices)))
    }

    /// Brings the index in step for one subject. A damaged object ends that,
    /// but is no reason not to open: older snapshots can be read.
    pub(crate) async fn catch_up_subject(
        &self,
        index: &Reach<'_>,
        subject: &Subject,
    ) -> Result<Result<Option<String>, Broken>, StoreError> {
        let head = self.head(subject).await?;
        let mut through = match index.ask(|i| i.through(subject)) {
            Ok(through) => through,
            Err(broken) => return Ok(Err(broken)),
        };
        let layout = match self.layout(subject).await {
            Ok(layout) if layout.through <= head => layout,
            Ok(layout) => {
                let path = manifest::path(subject, head + 1);
                let generation = layout.generation;
                return Ok(Ok(Some(format!(
                    "the index does not hold `{subject}`: `{path}` is missing, layout \
                     {generation} knows of it"
                ))));
            }
            Err(e) => return Ok(Ok(Some(format!("the index does not hold `{subject}`: {e}")))),
        };
        if through.is_some_and(|t| t.generation != layout.generation) {
            if let Err(broken) = index.ask(|i| i.drop_subject(subject)) {
                return Ok(Err(broken));
            }
            through = None;
        }
        let start = through.map_or(0, |t| t.seq);
        if start > head {
            return Ok(Err(Broken(format!("it is ahead of `{subject}@{head}`"))));
        }
        if let Some(through) = through {
            match self.manifest(subject, start).await {
                Ok((_, hash)) if hash == through.manifest => {}
                Ok(_) => {
                    return Ok(Err(Broken(format!("it holds another `{subject}@{start}`"))));
                }
                Err(e) => return Ok(Ok(Some(format!("the index stops at {start}: {e}")))),
            }
        }
        for (upto, segment) in steps(&layout, start, head) {
            match self.replay(index, &layout, through, upto, segment).await {
                Ok(Ok(next)) => through = Some(next),
                Ok(Err(broken)) => return Ok(Err(broken)),
                Err(e) => {
                    let last = through.map_or(0, |t| t.seq);
                    return Ok(Ok(Some(format!("the index stops at `{subject}@{last}`: {e}"))));
                }
            }
        }
        let lacked = head - start;
        Ok(Ok((lacked > 0).then(|| {
            format!("the index was behind by {lacked} of `{subject}`: replayed from segments")
        })))
    }

    /// Takes the snapshots after `before` up to `upto` over into the index, whose
    /// changes are in `segment`; gives where the index stands then.
    async fn replay(
        &self,
        index: &Reach<'_>,
        layout: &Layout,
        before: Option<Through>,
        upto: u64,
        segment: Option<LiveSegment>,
    ) -> Result<Result<Through, Broken>, StoreError> {
        let subject = &layout.subject;
        let mut previous = before.map(|t| t.manifest);
        for seq in before.map_or(0, |t| t.seq) + 1..=upto {
            let (manifest, hash) = self.manifest(subject, seq).await?;
            if manifest.previous != previous {
                let why = format!("it does not follow `{subject}@{}`", seq - 1);
                return Err(StoreError::damaged(manifest::path(subject, seq).to_string(), why));
            }
            previous = Some(hash);
        }
        let Some(hash) = previous else { return Ok(Err(Broken("there is no snapshot".into()))) };
        let through = Through { seq: upto, generation: layout.generation, manifest: hash };
        let named = match segment {
            Some(named) => named,
            None if upto <= layout.through => {
                let apply = |i: &Index| i.apply(subject, before, through, &mut std::iter::empty());
                return Ok(index.ask(apply).map(|()| through));
            }
            None => LiveSegment::delta(&self.manifest(subject, upto).await?.0),
        };
        let bytes = self.open_objects()?.get(&named.path(subject)).await?;
        let segment = Segment::open(named.path(subject), &bytes, &named)?;
        let mut cursor =
            Cursor::new(&segment, &Source::Whole(bytes), Columns::ALL, once(0..segment.rows()));
        let mut row = 0_u32;
        let mut failed = None;
        let mut events = std::iter::from_fn(|| {
            let next = cursor.next().and_then(|r| r.map(|r| event(&segment, &r, row)).transpose());
            row += 1;
            next.transpose().map(|e| {
                e.map_err(|e| {
                    let broken = Broken(e.to_string());
                    failed = Some(e);
                    broken
                })
            })
        });
        let applied = index.ask(|i| i.apply(subject, before, through, &mut events));
        failed.map_or_else(|| Ok(applied.map(|()| through)), Err)
    }
}

/// The index, as it is brought in step: one that only this task knows, or the
/// one in use.
pub(crate) enum Reach<'i> {
    Own(&'i Index),
    Slot(&'i Inner),
}

impl Reach<'_> {
    fn ask<T>(&self, question: impl FnOnce(&Index) -> Result<T, Broken>) -> Result<T, Broken> {
        match self {
            Self::Own(index) => question(index),
            Self::Slot(inner) => {
                inner.try_ask(question).unwrap_or_else(|| Err(Broken("it is not in use".into())))
            }
        }
    }
}

/// The steps from snapshot `start` to `head`: how far each leads, and its segment.
/// Without one it is the delta of that snapshot; within the layout there are no
/// changes then.
fn steps(layout: &Layout, start: u64, head: u64) -> Vec<(u64, Option<LiveSegment>)> {
    let live = layout.segments.iter().filter(|s| s.to > start);
    let mut steps: Vec<_> = live.map(|s| (s.to, Some(s.clone()))).collect();
    let last = steps.last().map_or(start, |(upto, _)| *upto);
    if last < layout.through {
        steps.push((layout.through, None));
    }
    steps.extend((layout.through.max(start) + 1..=head).map(|seq| (seq, None)));
    steps
}

/// What a row tells the index.
fn event(segment: &Segment, row: &Row, n: u32) -> Result<Event, StoreError> {
    let op = row.op.ok_or_else(|| segment.damaged("a row has no operation"))?;
    let key = segment.text(row.key())?;
    let kind = segment.text(row.kind())?;
    let text = |t: Option<&[u8]>| -> Result<Option<String>, StoreError> {
        t.map(|t| segment.text(t).map(str::to_owned)).transpose()
    };
    let put = if op == Op::Put {
        let lacking = || segment.damaged(format!("the row of `{key}` lacks a value"));
        let (salt, leaf) = match (row.body(), row.salt, row.leaf) {
            (Some(body), Some(salt), None) => (salt, leaf(key, &salt, segment.text(body)?)),
            // Erased. No body has the leaf with this salt, so the next that is
            // seen is a new version.
            (None, None, Some(leaf)) => ([0; 16], leaf),
            _ => return Err(lacking()),
        };
        let source = segment.text(row.source().ok_or_else(lacking)?)?;
        let (region, project, name) =
            (text(row.region())?, text(row.project())?, text(row.name())?);
        Some(PutEvent {
            row: n,
            salt,
            leaf,
            place: place(source, region.as_deref(), project.as_deref(), name.as_deref()),
            region: region.map(Into::into),
        })
    } else {
        None
    };
    Ok(Event { key: index_key(kind, key), seq: row.seq, op, put })
}

/// An error and what is below it, in one clause.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(&format!(": {cause}"));
        below = cause.source();
    }
    text
}

/// Creates a folder durably: each new one is named in a folder that is synced.
fn create_folder(path: &FsPath) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(FsPath::new("."));
    create_folder(parent)?;
    match std::fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    // Not every file system can sync a folder.
    let _ = File::open(parent).and_then(|f| f.sync_all());
    Ok(())
}
