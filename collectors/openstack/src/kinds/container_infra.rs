//! Magnum.
//!
//! Who sees what: an admin sees everybody's clusters and templates; others those
//! of their project and public templates, without a word.

use crate::kind::{Id, Microversion, ROW, Row, Service, VERSION};

pub(super) static SERVICE: Service = Service {
    name: "container-infra",
    types: &["container-infrastructure-management", "container-infra"],
    version: "v1",
    microversion: Some(Microversion { service: "container-infra", legacy: None, newest: (1, 11) }),
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 3] = [
    Row {
        kind: "container-infra.cluster_template",
        path: "clustertemplates",
        list: "clustertemplates",
        id: Id::Fields(&["/uuid"]),
        ..ROW
    },
    Row {
        kind: "container-infra.cluster",
        path: "clusters",
        list: "clusters",
        id: Id::Fields(&["/uuid"]),
        ..ROW
    },
    Row { kind: "container-infra.version", ..VERSION },
];
