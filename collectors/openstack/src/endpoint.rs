//! Where a service is and which microversion it speaks.

use std::sync::atomic::{AtomicU64, Ordering};

use openstack_sdk::AsyncOpenStack;
use openstack_sdk::api::AsyncClient;
use openstack_sdk::types::ServiceType;
use tokio::sync::OnceCell;
use url::Url;

use crate::kind::{Microversion, Service};

/// A service in a region, found.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Ends in a slash; paths of rows are appended.
    pub(crate) base: String,
    pub(crate) service: &'static Service,
    /// The number of its region.
    pub(crate) region: usize,
    /// Major and minor in 32 bits each; 0 until known.
    microversion: AtomicU64,
    /// Set once the service proved unreachable, so that the other kinds do not
    /// each wait for their own time-out.
    pub(crate) down: OnceCell<String>,
}

impl Endpoint {
    /// Finds the address in the catalog and the microversion by the SDK's
    /// discovery. Services without microversions are not asked: what the
    /// version document could say is in the table.
    pub(crate) async fn find(
        session: &AsyncOpenStack,
        service: &'static Service,
        region: usize,
        address: &str,
    ) -> Result<Self, String> {
        let base = base(address, service.version)
            .ok_or_else(|| format!("the catalog's address `{address}` is not usable"))?;
        let endpoint =
            Self { base, service, region, microversion: AtomicU64::new(0), down: OnceCell::new() };
        if let Some(table) = service.microversion {
            let offered = discover(session, service, table.newest.0).await;
            endpoint.lower_to(offered.map_or(table.newest, |v| v.min(table.newest)));
        }
        Ok(endpoint)
    }

    /// The microversion to ask for.
    pub(crate) fn microversion(&self) -> Option<(Microversion, (u32, u32))> {
        let table = self.service.microversion?;
        let packed = self.microversion.load(Ordering::Relaxed);
        Some((table, ((packed >> 32) as u32, packed as u32)))
    }

    /// Takes a lower microversion, after discovery or a 406.
    pub(crate) fn lower_to(&self, (major, minor): (u32, u32)) {
        let packed = (u64::from(major) << 32) | u64::from(minor);
        self.microversion.store(packed, Ordering::Relaxed);
    }
}

/// What the SDK's discovery says is the newest microversion. `None` if the
/// service has no readable version document: then the table's own is asked for
/// and a 406 says what there is.
async fn discover(
    session: &AsyncOpenStack,
    service: &'static Service,
    major: u32,
) -> Option<(u32, u32)> {
    let kind = ServiceType::from(*service.types.first()?);
    if let Err(e) = session.discover_service_endpoint(&kind).await {
        tracing::debug!(service = service.name, error = %e, "no version document");
        return None;
    }
    let found = session.get_service_endpoint(&kind, None).await.ok()?;
    let newest = found.max_version().as_deref().and_then(version).or_else(|| {
        let v = found.version();
        Some((u32::from(v.major), u32::from(v.minor)))
    })?;
    (newest.0 == major).then_some(newest)
}

/// Reads `2.96`.
pub(crate) fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The root of the service: the catalog's address, with the version if that
/// lacks one.
pub(crate) fn base(address: &str, version: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|u| matches!(u.scheme(), "http" | "https"))?;
    let versioned = url.path_segments()?.any(|s| {
        let mut chars = s.chars();
        chars.next() == Some('v') && chars.next().is_some_and(|c| c.is_ascii_digit())
    });
    let mut base = url.as_str().trim_end_matches('/').to_owned();
    if !versioned && !version.is_empty() {
        base.push('/');
        base.push_str(version);
    }
    base.push('/');
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_address_becomes_a_root() {
        let check = |address, version, expected: &str| {
            assert_eq!(base(address, version).as_deref(), Some(expected));
        };
        check("http://h:9696", "v2.0", "http://h:9696/v2.0/");
        check("http://h:9696/", "v2.0", "http://h:9696/v2.0/");
        check("https://h/compute/v2.1", "v2.1", "https://h/compute/v2.1/");
        check("http://h:8776/v3/abc", "v3", "http://h:8776/v3/abc/");
        check("http://h:8778/placement", "", "http://h:8778/placement/");
        assert_eq!(base("mailto:x", "v1"), None);
    }
}
