//! Cinder.
//!
//! Who sees what: `all_tenants` is ignored, without a word, for others than
//! admins. Services, pools and type encryption answer 403 to them; types are
//! cut to public and granted ones and lack extra specs.

use crate::kind::{Fallback, Id, Microversion, Paging, ROW, Row, Service, Shape, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "block-storage",
    types: &["block-storage", "volumev3", "block-store", "volumev2", "volume"],
    version: "v3",
    microversion: Some(Microversion { service: "volume", legacy: None, newest: (3, 71) }),
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 11] = [
    Row {
        kind: "block-storage.volume",
        path: "volumes/detail",
        query: "all_tenants=1",
        list: "volumes",
        project: &["/os-vol-tenant-attr:tenant_id", "/project_id"],
        ..ROW
    },
    Row {
        kind: "block-storage.snapshot",
        path: "snapshots/detail",
        query: "all_tenants=1",
        list: "snapshots",
        project: &["/os-extended-snapshot-attributes:project_id", "/project_id"],
        volatile: &["os-extended-snapshot-attributes:progress"],
        ..ROW
    },
    Row {
        kind: "block-storage.backup",
        path: "backups/detail",
        query: "all_tenants=1",
        list: "backups",
        project: &["/os-backup-project-attr:project_id", "/project_id"],
        ..ROW
    },
    // Not `os-volume-transfer`, which takes `limit` for a filter that nothing fits
    // and answers 200 with an empty list. The key that accepts a transfer is
    // shown once, to whoever made it.
    Row {
        kind: "block-storage.transfer",
        path: "volume-transfers/detail",
        query: "all_tenants=1",
        list: "transfers",
        project: &["/source_project_id"],
        secret: &["auth_key"],
        ..ROW
    },
    Row {
        kind: "block-storage.type",
        path: "types",
        query: "is_public=None",
        list: "volume_types",
        id: Id::OrContent(&["/id"]),
        project: &[],
        ..ROW
    },
    Row {
        kind: "block-storage.service",
        path: "os-services",
        list: "services",
        id: Id::Fields(&["/binary", "/host"]),
        name: "/host",
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        // Written with every heartbeat.
        volatile: &["updated_at"],
        ..ROW
    },
    Row {
        kind: "block-storage.pool",
        path: "scheduler-stats/get_pools",
        query: "detail=true",
        list: "pools",
        id: Id::Fields(&["/name"]),
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        // Written with every report of the driver.
        volatile: &["timestamp", "free_capacity_gb"],
        ..ROW
    },
    Row {
        kind: "block-storage.qos_spec",
        path: "qos-specs",
        list: "qos_specs",
        project: &[],
        view: View::Whole,
        ..ROW
    },
    // Of its own, so that a 403 on it is visible: a type without one is not
    // encrypted only if this kind is complete.
    Row {
        kind: "block-storage.type_encryption",
        path: "types/{parent}/encryption",
        shape: Shape::Whole,
        id: Id::Parent,
        name: "",
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        parent: Some("block-storage.type"),
        ..ROW
    },
    Row {
        kind: "block-storage.quota",
        path: "os-quota-sets/{parent}",
        list: "quota_set",
        shape: Shape::One,
        id: Id::Parent,
        name: "",
        paging: Paging::None,
        view: View::Whole,
        fallback: Some(Fallback { path: "os-quota-sets/{project}", query: "", view: View::Own }),
        parent: Some("identity.project"),
        ..ROW
    },
    Row { kind: "block-storage.version", ..VERSION },
];
