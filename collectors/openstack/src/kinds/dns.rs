//! Designate.
//!
//! Who sees what: with `X-Auth-All-Projects` an admin sees everybody's zones;
//! others are answered 403 and asked again as themselves.

use crate::kind::{Fallback, ROW, Row, Service};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "dns",
    types: &["dns"],
    version: "v2",
    microversion: None,
    needs_project: false,
    header: Some(("x-auth-all-projects", "true")),
    rows: &ROWS,
};

static ROWS: [Row; 2] = [
    Row {
        kind: "dns.zone",
        path: "zones",
        list: "zones",
        view: View::Whole,
        fallback: Some(Fallback { path: "zones", query: "", view: View::Own }),
        ..ROW
    },
    Row {
        kind: "dns.recordset",
        path: "recordsets",
        list: "recordsets",
        view: View::Whole,
        fallback: Some(Fallback { path: "recordsets", query: "", view: View::Own }),
        ..ROW
    },
];
