//! Placement.
//!
//! Who sees what: everything or 403 (admins, and readers of the system). What
//! belongs to a provider is one resource per provider and kind, with the
//! provider's id: `placement.inventory`, `.usage`, `.trait`, `.aggregate` and
//! `.allocation`. Generations count changes elsewhere and are dropped.

use crate::kind::{Id, Microversion, Paging, ROW, Row, Service, Shape, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "placement",
    types: &["placement"],
    version: "",
    microversion: Some(Microversion { service: "placement", legacy: None, newest: (1, 39) }),
    needs_project: false,
    header: None,
    rows: &ROWS,
};

/// What is asked per provider.
const PART: Row = Row {
    shape: Shape::Whole,
    id: Id::Parent,
    name: "",
    project: &[],
    paging: Paging::None,
    view: View::Whole,
    parent: Some("placement.resource_provider"),
    volatile: &["resource_provider_generation", "consumer_generation"],
    ..ROW
};

static ROWS: [Row; 7] = [
    Row {
        kind: "placement.resource_provider",
        path: "resource_providers",
        list: "resource_providers",
        id: Id::Fields(&["/uuid"]),
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        volatile: &["generation"],
        ..ROW
    },
    Row { kind: "placement.inventory", path: "resource_providers/{parent}/inventories", ..PART },
    Row { kind: "placement.usage", path: "resource_providers/{parent}/usages", ..PART },
    Row {
        kind: "placement.trait",
        path: "resource_providers/{parent}/traits",
        unordered: &["traits"],
        ..PART
    },
    Row {
        kind: "placement.aggregate",
        path: "resource_providers/{parent}/aggregates",
        unordered: &["aggregates"],
        ..PART
    },
    Row { kind: "placement.allocation", path: "resource_providers/{parent}/allocations", ..PART },
    Row { kind: "placement.version", ..VERSION },
];
