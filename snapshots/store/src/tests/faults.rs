//! Writes that fail, for tests: objects and files alike, counted together.

use std::fmt;
use std::io;
use std::path::Path as FsPath;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use crate::fail::Fail;
use crate::store::{Inner, Store};

type Result<T, E = Error> = std::result::Result<T, E>;

/// What happens at the write that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not done. The disk is full.
    Before,
    /// An object is put, but the answer gets lost.
    After,
    /// The process ends.
    Abort,
}

/// Counts writes down to the one that fails; all later ones fail, too.
#[derive(Debug)]
pub(crate) struct Steps {
    left: AtomicI64,
    fault: Fault,
}

impl Steps {
    pub(crate) fn new(left: i64, fault: Fault) -> Arc<Self> {
        Arc::new(Self { left: AtomicI64::new(left), fault })
    }

    /// Whether the fault was met.
    pub(crate) fn met(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    fn hit(&self, put: bool) -> io::Result<()> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        match self.fault {
            _ if left > 0 => Ok(()),
            Fault::After if put && left == 0 => Ok(()),
            Fault::Before | Fault::After => Err(io::Error::from_raw_os_error(28)),
            Fault::Abort => std::process::abort(),
        }
    }

    /// Opens a store whose writes are counted.
    pub(crate) async fn open(self: &Arc<Self>, path: &FsPath) -> Result<Store, crate::StoreError> {
        let (a, b) = (Arc::clone(self), Arc::clone(self));
        let fail = Fail { hook: Some(Arc::new(move |_| a.hit(false))) };
        let wrap = move |inner| Arc::new(Flaky { inner, steps: Arc::clone(&b) }) as Arc<_>;
        Store::open_with(Inner::new(path.to_path_buf(), fail, Some(Box::new(wrap)))).await
    }
}

#[derive(Debug)]
struct Flaky {
    inner: Arc<dyn ObjectStore>,
    steps: Arc<Steps>,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

fn full(e: io::Error) -> Error {
    Error::Generic { store: "flaky", source: Box::new(e) }
}

#[async_trait::async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, o: PutOptions) -> Result<PutResult> {
        self.steps.hit(true).map_err(full)?;
        let done = self.inner.put_opts(at, bytes, o).await?;
        if self.steps.fault == Fault::After && self.steps.met() {
            return Err(full(io::Error::other("the answer got lost")));
        }
        Ok(done)
    }
    async fn put_multipart_opts(
        &self,
        at: &Path,
        o: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.steps.hit(false).map_err(full)?;
        self.inner.put_multipart_opts(at, o).await
    }
    async fn get_opts(&self, at: &Path, o: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(at, o).await
    }
    fn delete_stream(
        &self,
        at: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let steps = Arc::clone(&self.steps);
        let counted = move |path: Result<Path>| {
            steps.hit(false).map_err(full)?;
            path
        };
        self.inner.delete_stream(at.map(counted).boxed())
    }
    fn list(&self, at: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(at)
    }
    async fn list_with_delimiter(&self, at: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(at).await
    }
    async fn copy_opts(&self, from: &Path, to: &Path, o: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, o).await
    }
}
