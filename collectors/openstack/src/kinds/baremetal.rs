//! Ironic.
//!
//! Who sees what: a reader of the system sees all nodes; others, a project's
//! admin among them, those that they own or lease, without a word.

use crate::kind::{Id, Microversion, ROW, Row, Service, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "baremetal",
    types: &["baremetal"],
    version: "v1",
    microversion: Some(Microversion {
        service: "baremetal",
        legacy: Some("x-openstack-ironic-api-version"),
        newest: (1, 82),
    }),
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 2] = [
    Row {
        kind: "baremetal.node",
        path: "nodes/detail",
        list: "nodes",
        id: Id::Fields(&["/uuid"]),
        project: &["/owner"],
        view: View::System,
        // Written by conductor and agent all the time; agent tokens are in there.
        volatile: &["driver_internal_info", "updated_at", "provision_updated_at"],
        secret: &["driver_info", "configdrive", "console_info"],
        ..ROW
    },
    Row { kind: "baremetal.version", ..VERSION },
];
