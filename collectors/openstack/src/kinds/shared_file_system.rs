//! Manila.
//!
//! Who sees what: `all_tenants` is ignored for others than admins.

use crate::kind::{Microversion, Paging, ROW, Row, Service, VERSION};

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

static ROWS: [Row; 4] = [
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
    // Manila knows it from 2.45 on.
    Row {
        kind: "shared-file-system.access_rule",
        path: "share-access-rules",
        query: "share_id={parent}",
        list: "access_list",
        name: "/access_to",
        project: &[],
        paging: Paging::None,
        parent: Some("shared-file-system.share"),
        told: Some("share_id"),
        secret: &["access_key"],
        ..ROW
    },
    Row { kind: "shared-file-system.version", ..VERSION },
];
