//! Swift and what speaks its protocol (Ceph RGW): the headers of accounts and
//! containers, and whether its host speaks S3.
//!
//! Who sees what: the own account; every account for whoever has Swift's role
//! for resellers. S3 is asked as nobody.

use crate::kind::{Id, Paging, ROW, Reader, Row, Service, Shape};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "object-store",
    types: &["object-store"],
    version: "",
    microversion: None,
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 3] = [
    Row {
        kind: "object-store.account",
        id: Id::Parent,
        reader: Reader::Account,
        view: View::Own,
        ..ROW
    },
    Row {
        kind: "object-store.container",
        shape: Shape::Bare,
        id: Id::ParentAnd(&["/name"]),
        project: &[],
        paging: Paging::Marker("name"),
        parent: Some("identity.project"),
        told: Some("project_id"),
        reader: Reader::Containers,
        ..ROW
    },
    Row {
        kind: "object-store.s3",
        id: Id::Parent,
        project: &[],
        reader: Reader::S3,
        view: View::Whole,
        ..ROW
    },
];
