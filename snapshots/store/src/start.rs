//! Opening a store, and keeping the index in step with the objects.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path as FsPath;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use tidegate_model::Subject;

use crate::index::{Broken, Index, Seal};
use crate::manifest;
use crate::objects::Objects;
use crate::store::{Inner, Slot, locked};
use crate::{Bucket, Store, StoreError};

/// So often the lock of a store is tried again, and so long after each time: what
/// has it may be about to let it go.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

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
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    *held = Some(file);
                    return Ok(());
                }
                // A child that another thread is starting has all files of this
                // process until it runs its own program, a closed store's lock too.
                Err(TryLockError::WouldBlock) if tries < PATIENCE => {
                    tries += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { path: self.root.clone() });
                }
                Err(TryLockError::Error(e)) => return Err(StoreError::io("lock", &path)(e)),
            }
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
            Ok(seal @ (Seal::Right | Seal::None)) => {
                let mut opened = Index::open(&folder, self.fail.clone());
                if let Ok(index) = &opened {
                    self.note_lost(index).await?;
                }
                opened = opened.and_then(Index::of_this_format);
                if let (Ok(index), Seal::None) = (&opened, seal)
                    && let Err(broken) = self.has_its_roots(index).await
                {
                    opened = Err(broken);
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
