//! What all workers of one collection share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tidegate_model::{Collected, KindCoverage, Resource};
use tidegate_redact::RedactionKey;
use tidegate_retry::Clock;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use crate::cluster::Cluster;
use crate::options::Options;
use crate::request::Session;

pub(crate) struct Run {
    pub(crate) session: Session,
    pub(crate) namespace: Arc<str>,
    pub(crate) now: Clock,
    pub(crate) key: Option<RedactionKey>,
    pub(crate) page_size: usize,
    /// Set once the API server no longer knows the credential: nothing more is
    /// asked then.
    pub(crate) refused: AtomicBool,
    pub(crate) resources: AtomicU64,
    tx: mpsc::Sender<Collected>,
    permits: Semaphore,
}

/// Nobody takes the results any more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone;

impl Run {
    pub(crate) fn new(cluster: &Cluster, options: &Options, tx: mpsc::Sender<Collected>) -> Self {
        Self {
            session: cluster.session.with(options.retry),
            namespace: cluster.namespace.clone(),
            now: options.now.clone(),
            key: options.redaction_key.clone(),
            page_size: options.page_size.max(1),
            refused: AtomicBool::new(false),
            resources: AtomicU64::new(0),
            tx,
            permits: Semaphore::new(options.concurrency.max(1)),
        }
    }

    /// The right to have one request or page in hand. INVARIANT: nothing closes
    /// the semaphore, so `None` does not occur; it would only lift the bound.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    /// Hands a page over; waits while the taker is busy.
    pub(crate) async fn send(&self, page: Vec<Resource>) -> Result<(), Gone> {
        if page.is_empty() {
            return Ok(());
        }
        self.resources.fetch_add(page.len() as u64, Ordering::Relaxed);
        self.tx.send(Collected::Page(page)).await.map_err(|_| Gone)
    }

    /// Hands the coverage of a kind over.
    pub(crate) async fn finish(&self, coverage: KindCoverage) -> Result<(), Gone> {
        self.tx.send(Collected::Coverage(coverage)).await.map_err(|_| Gone)
    }
}
