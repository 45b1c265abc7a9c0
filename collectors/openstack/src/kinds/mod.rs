//! The table of kinds, one file per service.

mod baremetal;
mod block_storage;
mod compute;
mod container_infra;
mod dns;
mod identity;
mod image;
mod key_manager;
mod load_balancer;
mod network;
mod object_store;
mod placement;
mod shared_file_system;

pub(crate) use compute::USER_DATA;
pub(crate) use image::LISTINGS;

use crate::kind::{Row, Service};

/// All services, those with the longest listings first.
pub(crate) static SERVICES: [&Service; 13] = [
    &compute::SERVICE,
    &network::SERVICE,
    &block_storage::SERVICE,
    &identity::SERVICE,
    &image::SERVICE,
    &placement::SERVICE,
    &load_balancer::SERVICE,
    &key_manager::SERVICE,
    &dns::SERVICE,
    &shared_file_system::SERVICE,
    &baremetal::SERVICE,
    &container_infra::SERVICE,
    &object_store::SERVICE,
];

/// Every row with its service.
pub(crate) fn rows() -> impl Iterator<Item = (&'static Service, &'static Row)> {
    SERVICES.iter().flat_map(|s| s.rows.iter().map(|r| (*s, r)))
}

/// One kind, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindInfo {
    /// `service.thing`.
    pub kind: &'static str,
    /// The catalog's service type.
    pub service_type: &'static str,
    /// What is asked, below the service's root.
    pub path: &'static str,
    /// With which query.
    pub query: &'static str,
    /// Whether each region has its own.
    pub regional: bool,
    /// The kind for each resource of which it is asked.
    pub per: Option<&'static str>,
}

/// All kinds that a collection can read, in order of service.
#[must_use]
pub fn kinds() -> Vec<KindInfo> {
    rows()
        .map(|(service, row)| KindInfo {
            kind: row.kind,
            service_type: service.types.first().copied().unwrap_or_default(),
            path: row.path,
            query: row.query,
            regional: row.regional,
            per: row.parent,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kind::Reader;

    #[test]
    fn every_kind_stands_once_and_names_its_service() {
        let mut seen = BTreeSet::new();
        for (service, row) in rows() {
            assert!(seen.insert(row.kind), "`{}` stands twice", row.kind);
            assert!(row.kind.starts_with(&format!("{}.", service.name)), "{}", row.kind);
            assert!(tidegate_model::Kind::new(row.kind).is_ok(), "{}", row.kind);
        }
    }

    #[test]
    fn every_parent_is_a_kind_that_has_none_itself() {
        for (_, row) in rows() {
            let Some(parent) = row.parent else { continue };
            let found = rows().find(|(_, r)| r.kind == parent);
            assert!(found.is_some_and(|(_, r)| r.parent.is_none()), "{}", row.kind);
            let asks = row.path.contains("{parent}") || row.query.contains("{parent}");
            assert!(asks || row.reader == Reader::Containers, "{}", row.kind);
        }
    }
}
