//! Manila.
//!
//! Who sees what: `all_tenants` is ignored for others than admins.

use crate::kind::{Microversion, Paging, ROW, Row, Service};

pub(super) static SERVICE: Service = Service {
    name: "shared-file-system",
    types: &["shared-file-system", "sharev2"],
    version: "v2",
    microversion: Some(Microversion {
        service: "shared-file-system",
        legacy: Some("x-openstack-manila-api-version"),
        newest: (2, 65),
    }),
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 2] = [
    Row {
        kind: "shared-file-system.share",
        path: "shares/detail",
        query: "all_tenants=1",
        list: "shares",
        paging: Paging::Offset,
        ..ROW
    },
    Row {
        kind: "shared-file-system.share_type",
        path: "types",
        query: "is_public=all",
        list: "share_types",
        project: &[],
        paging: Paging::None,
        ..ROW
    },
];
