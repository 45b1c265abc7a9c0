//! How to collect, and what is told of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_model::{KindCoverage, Timestamp};
use tidegate_redact::RedactionKey;
use tidegate_retry::{Clock, Retry};

use crate::endpoints::Extra;
use crate::error::UnknownKind;
use crate::kinds::rows;

/// How to collect.
#[derive(Clone)]
pub struct Options {
    /// Requests and pages in hand at a time, in all. 16 keeps a control plane
    /// of three nodes busy without crowding its users out; memory grows with
    /// it, by about one page of 1000 resources each.
    pub concurrency: usize,
    /// The same per service and region. Beyond 4, Nova and Neutron with their
    /// usual worker counts only queue.
    pub per_service: usize,
    /// Items asked for per page. 1000 is the most that Nova, Cinder and Glance
    /// give by default.
    pub page_size: usize,
    /// When to ask again.
    pub retry: Retry,
    /// Which kinds; all if absent.
    pub kinds: Option<Selector>,
    /// What is gathered besides, from hosts of the catalog only; nothing by
    /// default.
    pub with: BTreeSet<Extra>,
    /// Where the dashboard is, which catalogs do not tell: an address that
    /// [`dashboard_address`](crate::dashboard_address) takes.
    pub dashboard: Option<Arc<str>>,
    /// Hashes secrets in the place of blanking them.
    pub redaction_key: Option<RedactionKey>,
    /// The clock.
    pub now: Clock,
    /// Told how it goes.
    pub progress: Option<Listener>,
}

impl Options {
    /// The defaults, with this clock.
    #[must_use]
    pub fn new(now: Clock) -> Self {
        Self {
            concurrency: 16,
            per_service: 4,
            page_size: 1000,
            retry: Retry::default(),
            kinds: None,
            with: BTreeSet::new(),
            dashboard: None,
            redaction_key: None,
            now,
            progress: None,
        }
    }
}

/// A choice of kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(BTreeSet<&'static str>);

impl Selector {
    /// Takes kinds (`compute.server`) and patterns (`network.*`, `*`).
    ///
    /// # Errors
    /// [`UnknownKind`] for the first one that matches no kind.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, UnknownKind> {
        let mut chosen = BTreeSet::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            let before = chosen.len();
            let matches = |kind: &str| match pattern.strip_suffix('*') {
                Some(start) => kind.starts_with(start),
                None => kind == pattern,
            };
            let found: Vec<&'static str> =
                rows().map(|(_, r)| r.kind).filter(|k| matches(k)).collect();
            if found.is_empty() {
                return Err(UnknownKind { pattern: pattern.to_owned() });
            }
            chosen.extend(found);
            tracing::trace!(pattern, kinds = chosen.len() - before, "selected");
        }
        Ok(Self(chosen))
    }

    /// Whether the kind is chosen.
    #[must_use]
    pub fn contains(&self, kind: &str) -> bool {
        self.0.contains(kind)
    }
}

/// Is told how a collection goes, from several threads.
pub type Listener = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// How a collection goes.
#[derive(Debug)]
pub enum Progress<'a> {
    /// It begins: this many kinds, counted once per region, will be read.
    Started {
        /// How many.
        kinds: usize,
    },
    /// A page of a kind was handed over.
    Page {
        /// The kind.
        kind: &'a str,
        /// Resources in that page.
        resources: u64,
    },
    /// A kind is done.
    Done(&'a KindCoverage),
}

/// What a collection came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Resources handed over.
    pub resources: u64,
    /// Requests sent, without those of signing in and discovery.
    pub requests: u64,
    /// Of these, repeated ones.
    pub retries: u64,
    /// Bytes of JSON read.
    pub bytes: u64,
    /// Kinds, once per region, that are complete.
    pub complete: usize,
    /// Kinds that are neither complete nor absent.
    pub incomplete: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_takes_names_and_patterns_and_refuses_typos() {
        let chosen = Selector::new(&["compute.server", "network.*"]).unwrap();
        assert!(chosen.contains("compute.server") && chosen.contains("network.port"));
        assert!(!chosen.contains("compute.flavor"));
        assert_eq!(
            Selector::new(&["compute.sever"]).unwrap_err().to_string(),
            "no kind of an OpenStack cloud matches `compute.sever`"
        );
    }
}
