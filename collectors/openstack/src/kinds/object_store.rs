//! Swift and what speaks its protocol (Ceph RGW): the account's headers, and
//! whether its host speaks S3.
//!
//! Who sees what: the own account; S3 is asked as nobody.

use crate::kind::{Id, ROW, Reader, Row, Service};
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

static ROWS: [Row; 2] = [
    Row {
        kind: "object-store.account",
        id: Id::Parent,
        reader: Reader::Account,
        view: View::Own,
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
