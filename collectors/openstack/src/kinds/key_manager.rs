//! Barbican: metadata only, never a payload.
//!
//! Who sees what: the own project's, whatever the role.

use crate::kind::{Id, Paging, ROW, Row, Service, Shape, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "key-manager",
    types: &["key-manager"],
    version: "v1",
    microversion: None,
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 4] = [
    Row {
        kind: "key-manager.secret",
        path: "secrets",
        list: "secrets",
        id: Id::Fields(&["/secret_ref"]),
        project: &[],
        paging: Paging::Offset,
        view: View::Own,
        secret: &["payload"],
        ..ROW
    },
    Row {
        kind: "key-manager.container",
        path: "containers",
        list: "containers",
        id: Id::Fields(&["/container_ref"]),
        project: &[],
        paging: Paging::Offset,
        view: View::Own,
        ..ROW
    },
    // Who may read the secret besides its project.
    Row {
        kind: "key-manager.secret_acl",
        path: "secrets/{parent}/acl",
        shape: Shape::Whole,
        id: Id::Parent,
        name: "",
        project: &[],
        paging: Paging::None,
        view: View::Own,
        parent: Some("key-manager.secret"),
        unordered: &["users"],
        ..ROW
    },
    Row { kind: "key-manager.version", ..VERSION },
];
