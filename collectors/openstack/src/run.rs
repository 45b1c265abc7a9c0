//! What all workers of one collection share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_model::{Collected, KindCoverage, Resource};
use tidegate_redact::RedactionKey;
use tidegate_retry::{Clock, Retry};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use crate::cloud::Cloud;
use crate::endpoint::Endpoint;
use crate::kind::{Row, Service};
use crate::options::{Listener, Options, Progress};

/// The right to have one request or page in hand.
pub(crate) struct Permit {
    _all: OwnedSemaphorePermit,
    _service: OwnedSemaphorePermit,
}

/// What a listing found, for the kinds that are asked per resource of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parents {
    /// Ids in order of listing.
    pub(crate) ids: Vec<String>,
    /// How the listing ended.
    pub(crate) coverage: Option<KindCoverage>,
}

/// An endpoint, or why it is not usable.
type Found = Result<Arc<Endpoint>, String>;

/// Which kind waits for its parents, and the number of the region that those are
/// in.
type Parental = (&'static str, usize);

pub(crate) struct Run {
    pub(crate) cloud: Cloud,
    pub(crate) tx: mpsc::Sender<Collected>,
    pub(crate) now: Clock,
    pub(crate) retry: Retry,
    pub(crate) key: Option<RedactionKey>,
    pub(crate) page_size: usize,
    /// The rows asked per resource of another kind.
    children: Vec<&'static Row>,
    parents: BTreeMap<Parental, watch::Sender<Option<Arc<Parents>>>>,
    progress: Option<Listener>,
    all: Arc<Semaphore>,
    per_service: BTreeMap<(&'static str, usize), Arc<Semaphore>>,
    endpoints: BTreeMap<(&'static str, usize), OnceCell<Found>>,
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    resources: AtomicU64,
}

impl Run {
    pub(crate) fn new(
        cloud: &Cloud,
        options: &Options,
        tx: mpsc::Sender<Collected>,
        children: Vec<&'static Row>,
    ) -> Self {
        let regions = cloud.regions.len();
        let services = || {
            crate::kinds::SERVICES.iter().flat_map(move |s| (0..regions).map(move |r| (s.name, r)))
        };
        let per_service = options.per_service.max(1);
        Self {
            cloud: cloud.clone(),
            tx,
            now: options.now.clone(),
            retry: options.retry,
            key: options.redaction_key.clone(),
            page_size: options.page_size.max(1),
            parents: children
                .iter()
                .flat_map(|c| (0..regions).map(|r| ((c.kind, r), watch::Sender::new(None))))
                .collect(),
            children,
            progress: options.progress.clone(),
            all: Arc::new(Semaphore::new(options.concurrency.max(1))),
            per_service: services().map(|k| (k, Arc::new(Semaphore::new(per_service)))).collect(),
            endpoints: services().map(|k| (k, OnceCell::new())).collect(),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            resources: AtomicU64::new(0),
        }
    }

    /// The kinds that are asked per resource of this one.
    pub(crate) fn children(&self, kind: &str) -> impl Iterator<Item = &'static Row> {
        self.children.iter().copied().filter(move |c| c.parent == Some(kind))
    }

    /// Where a kind learns of its parents in a region.
    pub(crate) fn parents(
        &self,
        child: &'static str,
        region: usize,
    ) -> Option<&watch::Sender<Option<Arc<Parents>>>> {
        self.parents.get(&(child, region))
    }

    /// Waits until another request to the service may run.
    pub(crate) async fn permit(&self, endpoint: &Endpoint) -> Permit {
        // INVARIANT: nothing closes the semaphores, so acquiring cannot fail;
        // were it to, a fresh one lets the request through.
        let one = || Arc::new(Semaphore::new(1));
        let service = self.per_service.get(&(endpoint.service.name, endpoint.region));
        let service = service.cloned().unwrap_or_else(one);
        loop {
            let Ok(service) = service.clone().acquire_owned().await else { continue };
            let Ok(all) = self.all.clone().acquire_owned().await else { continue };
            return Permit { _all: all, _service: service };
        }
    }

    /// The endpoint of a service in a region: `Ok(None)` if the catalog has
    /// none. Found once, by whoever needs it first.
    pub(crate) async fn endpoint(
        &self,
        service: &'static Service,
        region: usize,
    ) -> Result<Option<Arc<Endpoint>>, String> {
        let Some(place) = self.cloud.regions.get(region) else { return Ok(None) };
        let Some(address) = place.address(service) else { return Ok(None) };
        let Some(cell) = self.endpoints.get(&(service.name, region)) else { return Ok(None) };
        cell.get_or_init(|| async {
            Endpoint::find(&place.session, service, region, address).await.map(Arc::new)
        })
        .await
        .clone()
        .map(Some)
    }

    /// Hands a page over; waits while the taker is busy.
    pub(crate) async fn send(&self, kind: &str, page: Vec<Resource>) -> Result<(), Gone> {
        if page.is_empty() {
            return Ok(());
        }
        let count = page.len() as u64;
        self.resources.fetch_add(count, Ordering::Relaxed);
        self.tx.send(Collected::Page(page)).await.map_err(|_| Gone)?;
        self.tell(Progress::Page { kind, resources: count });
        Ok(())
    }

    /// Hands the coverage of a kind over.
    pub(crate) async fn finish(&self, coverage: KindCoverage) -> Result<(), Gone> {
        self.tell(Progress::Done(&coverage));
        self.tx.send(Collected::Coverage(coverage)).await.map_err(|_| Gone)
    }

    pub(crate) fn tell(&self, progress: Progress<'_>) {
        if let Some(listener) = &self.progress {
            listener(progress);
        }
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_bytes(&self, n: usize) {
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Requests, retries, bytes and resources so far.
    pub(crate) fn counts(&self) -> [u64; 4] {
        [&self.requests, &self.retries, &self.bytes, &self.resources]
            .map(|c| c.load(Ordering::Relaxed))
    }
}

/// Nobody takes the results any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone;
