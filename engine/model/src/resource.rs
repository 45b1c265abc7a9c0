//! One thing in a cloud, as its API described it.

use std::sync::Arc;

use crate::{Kind, ResourceKey, Timestamp};

/// A resource as collected: where it is, what the API said, where and when
/// that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Unique in the subject and stable over API upgrades.
    pub key: ResourceKey,
    /// What it is; equals the second segment of the key.
    pub kind: Kind,
    /// The region, where the kind has one.
    pub region: Option<Arc<str>>,
    /// The project that owns it, where the API says so.
    pub project: Option<Arc<str>>,
    /// For display only; identity is the key.
    pub name: Option<Arc<str>>,
    /// Canonical JSON ([`crate::canonical`]) without secrets and volatile
    /// noise. Facts that the collector adds stand in its member `tidegate`.
    /// Empty, which is no JSON, where it was erased from the store.
    pub body: Arc<str>,
    /// The API that said so, such as `openstack/compute`.
    pub source: Arc<str>,
    /// When the page that showed it was read.
    pub read_at: Timestamp,
}

impl Resource {
    /// Whether the store has erased its body, and with it its name. Nothing can be
    /// said of it then but that it was there.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.body.is_empty()
    }
}
