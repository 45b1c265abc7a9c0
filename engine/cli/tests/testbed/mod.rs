//! Where the real OpenStack of `ci/testbed/openstack` is.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, reason = "a test may")]

use std::path::PathBuf;

/// The testbed's folder, as its scripts know it.
pub(crate) fn folder() -> PathBuf {
    let var = |name: &str| std::env::vars().find(|(k, _)| k == name).map(|(_, v)| v);
    if let Some(dir) = var("TIDEGATE_TESTBED_DIR") {
        return PathBuf::from(dir);
    }
    let cache = var("XDG_CACHE_HOME").map(PathBuf::from);
    cache
        .unwrap_or_else(|| PathBuf::from(var("HOME").unwrap()).join(".cache"))
        .join("tidegate/testbed")
}
