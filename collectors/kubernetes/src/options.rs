//! How to collect, and what it came to.

use std::collections::BTreeSet;

use tidegate_model::Kind;
use tidegate_redact::RedactionKey;
use tidegate_retry::{Clock, Retry};

/// How to collect.
#[derive(Clone)]
pub struct Options {
    /// Requests and pages in hand at a time. An API server lets some hundred
    /// requests of all its users run at once; 8 keep it busy and leave room.
    /// Memory grows with it, by about one page each.
    pub concurrency: usize,
    /// Objects asked for per page. 500 is what kubectl asks for.
    pub page_size: usize,
    /// When to ask again.
    pub retry: Retry,
    /// Kinds that the last snapshot holds resources of. Where the cluster no
    /// longer serves one of them, its list is complete and empty: what was
    /// there went with the type.
    pub known: BTreeSet<Kind>,
    /// Which kinds of the API; all if absent.
    pub kinds: Option<BTreeSet<Kind>>,
    /// Hashes secrets in the place of blanking them.
    pub redaction_key: Option<RedactionKey>,
    /// The clock.
    pub now: Clock,
}

impl Options {
    /// The defaults, with this clock.
    #[must_use]
    pub fn new(now: Clock) -> Self {
        Self {
            concurrency: 8,
            page_size: 500,
            retry: Retry::default(),
            known: BTreeSet::new(),
            kinds: None,
            redaction_key: None,
            now,
        }
    }
}

/// What a collection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Resources handed over.
    pub resources: u64,
    /// Requests sent.
    pub requests: u64,
    /// Of these, repeated ones.
    pub retries: u64,
    /// Bytes of JSON read, unpacked.
    pub bytes: u64,
}
