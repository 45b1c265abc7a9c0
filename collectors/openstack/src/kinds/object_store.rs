//! Swift and what speaks its protocol (Ceph RGW): the account's headers.
//!
//! Who sees what: the own account.

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

static ROWS: [Row; 1] = [Row {
    kind: "object-store.account",
    id: Id::Parent,
    reader: Reader::Account,
    view: View::Own,
    ..ROW
}];
