//! The objects of a store, by name. Every write goes through here.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use tidegate_model::{Subject, Timestamp};

use crate::StoreError;

/// Objects up to this size are put in one request.
const WHOLE: u64 = 16 << 20;
/// Larger ones in parts of this size; S3 asks for at least 5 MB.
const PART: u64 = 8 << 20;

/// Wraps an object store; tests use it to let writes fail.
pub(crate) type Wrap = dyn Fn(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync;

#[derive(Debug, Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
}

impl Objects {
    /// The objects below a folder that exists.
    pub(crate) fn local(root: &FsPath, wrap: Option<&Wrap>) -> Result<Self, StoreError> {
        let local = LocalFileSystem::new_with_prefix(root).map_err(|source| {
            StoreError::Objects { action: "open", object: root.display().to_string(), source }
        })?;
        Ok(Self::of(Arc::new(local.with_fsync(true)), wrap))
    }

    /// The objects of a bucket, or whatever else this is.
    pub(crate) fn of(store: Arc<dyn ObjectStore>, wrap: Option<&Wrap>) -> Self {
        Self { store: wrap.map_or(Arc::clone(&store), |w| w(store)) }
    }

    /// An object, or `None` if there is none of this name.
    pub(crate) async fn find(&self, path: &Path) -> Result<Option<Bytes>, StoreError> {
        let got = async { self.store.get(path).await?.bytes().await }.await;
        match got {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    /// An object that must be there.
    pub(crate) async fn get(&self, path: &Path) -> Result<Bytes, StoreError> {
        self.find(path).await?.ok_or_else(|| StoreError::Missing { object: path.to_string() })
    }

    /// Some parts of an object that must be there, in one request if they are near
    /// each other.
    pub(crate) async fn ranges(
        &self,
        path: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, StoreError> {
        match self.store.get_ranges(path, ranges).await {
            Ok(parts) => Ok(parts),
            Err(Error::NotFound { .. }) => Err(StoreError::Missing { object: path.to_string() }),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    /// Puts an object unless there is one of this name; says whether it did.
    pub(crate) async fn create(&self, path: &Path, bytes: Bytes) -> Result<bool, StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(path, bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            Err(source) => Err(failed("write", path, source)),
        }
    }

    /// Puts an object whose name tells its content, so that overwriting one
    /// changes nothing.
    pub(crate) async fn put(&self, path: &Path, bytes: Bytes) -> Result<(), StoreError> {
        self.store.put(path, bytes.into()).await.map_err(|e| failed("write", path, e))?;
        Ok(())
    }

    /// As [`Objects::put`], from a file.
    pub(crate) async fn put_file(&self, path: &Path, file: &FsPath) -> Result<(), StoreError> {
        let unreadable = || StoreError::io("read", PathBuf::from(file));
        let size = std::fs::metadata(file).map_err(unreadable())?.len();
        if size <= WHOLE {
            let bytes = std::fs::read(file).map_err(unreadable())?;
            return self.put(path, bytes.into()).await;
        }
        // Part by part: memory counts more here than time on a long line.
        let unwritten = |e| failed("write", path, e);
        let mut upload = self.store.put_multipart(path).await.map_err(unwritten)?;
        let mut input = std::fs::File::open(file).map_err(unreadable())?;
        loop {
            let mut part = Vec::new();
            let mut some = std::io::Read::take(&mut input, PART);
            std::io::Read::read_to_end(&mut some, &mut part).map_err(unreadable())?;
            if part.is_empty() {
                break;
            }
            upload.put_part(part.into()).await.map_err(unwritten)?;
        }
        upload.complete().await.map_err(unwritten)?;
        Ok(())
    }

    /// Deletes an object that nothing names; that it is gone already is fine.
    pub(crate) async fn delete(&self, path: &Path) -> Result<(), StoreError> {
        match self.store.delete(path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(failed("delete", path, source)),
        }
    }

    /// The file names directly below a folder, with their sizes, in any order.
    pub(crate) async fn names(&self, folder: &Path) -> Result<Vec<(String, u64)>, StoreError> {
        let listed = self.listed(folder).await?;
        Ok(listed.into_iter().map(|(name, size, _)| (name, size)).collect())
    }

    /// As [`Objects::names`], with when each was put, by the clock of the storage.
    pub(crate) async fn listed(
        &self,
        folder: &Path,
    ) -> Result<Vec<(String, u64, Timestamp)>, StoreError> {
        let listed = self.store.list_with_delimiter(Some(folder)).await;
        let listed = listed.map_err(|e| failed("list", folder, e))?;
        let one = |m: &object_store::ObjectMeta| {
            let put = Timestamp::from_microsecond(m.last_modified.timestamp_micros());
            Some((m.location.filename()?.to_owned(), m.size, put.unwrap_or(Timestamp::MAX)))
        };
        Ok(listed.objects.iter().filter_map(one).collect())
    }

    /// The numbers of the objects `<n>.json` directly below a folder.
    pub(crate) async fn numbers(&self, folder: &Path) -> Result<BTreeSet<u64>, StoreError> {
        let names = self.names(folder).await?;
        Ok(names.iter().filter_map(|(n, _)| n.strip_suffix(".json")?.parse().ok()).collect())
    }

    /// The subjects that have a folder below `folder`.
    pub(crate) async fn subjects(&self, folder: &str) -> Result<BTreeSet<Subject>, StoreError> {
        let folder = Path::from(folder);
        let listed = self.store.list_with_delimiter(Some(&folder)).await;
        let listed = listed.map_err(|e| failed("list", &folder, e))?;
        let subject = |p: &Path| p.filename().and_then(|name| Subject::new(name).ok());
        Ok(listed.common_prefixes.iter().filter_map(subject).collect())
    }
}

fn failed(action: &'static str, path: &Path, source: Error) -> StoreError {
    StoreError::Objects { action, object: path.to_string(), source }
}
