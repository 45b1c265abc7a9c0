//! Designate.
//!
//! Who sees what: with `X-Auth-All-Projects` an admin sees everybody's zones;
//! others are answered 403 and asked again as themselves.

use crate::kind::{Fallback, ROW, Row, Service, VERSION};
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

static ROWS: [Row; 5] = [
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
    // Whoever has the key may take the zone over.
    Row {
        kind: "dns.zone_transfer_request",
        path: "zones/tasks/transfer_requests",
        list: "transfer_requests",
        name: "/zone_name",
        view: View::Whole,
        fallback: Some(Fallback {
            path: "zones/tasks/transfer_requests",
            query: "",
            view: View::Own,
        }),
        secret: &["key"],
        ..ROW
    },
    Row {
        kind: "dns.zone_share",
        path: "zones/{parent}/shares",
        list: "shared_zones",
        name: "",
        parent: Some("dns.zone"),
        ..ROW
    },
    Row { kind: "dns.version", ..VERSION },
];
