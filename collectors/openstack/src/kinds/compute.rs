//! Nova.
//!
//! Who sees what: `all_tenants` and the host APIs answer 403 to others than
//! admins; then servers are listed again for the own project. `all_projects` of
//! server groups is ignored for them, without a word. Flavors are silently cut
//! to public and granted ones. A token for the system is refused nearly
//! everything (seen with Nova 34).

use crate::kind::{Fallback, Id, Microversion, Paging, ROW, Row, Service, Shape, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "compute",
    types: &["compute"],
    version: "v2.1",
    microversion: Some(Microversion { service: "compute", legacy: None, newest: (2, 96) }),
    needs_project: false,
    header: None,
    rows: &ROWS,
};

/// The member of a server that is read for what it looks like, and not kept.
pub(crate) const USER_DATA: &str = "OS-EXT-SRV-ATTR:user_data";

static ROWS: [Row; 11] = [
    Row {
        kind: "compute.server",
        path: "servers/detail",
        query: "all_tenants=1",
        list: "servers",
        project: &["/tenant_id"],
        view: View::Whole,
        cells: true,
        fallback: Some(Fallback { path: "servers/detail", query: "", view: View::Own }),
        // Progress of a build or migration, in per cent.
        volatile: &["progress"],
        secret: &["adminPass", USER_DATA],
        ..ROW
    },
    Row {
        kind: "compute.hypervisor",
        path: "os-hypervisors/detail",
        list: "hypervisors",
        name: "/hypervisor_hostname",
        project: &[],
        view: View::Whole,
        // Usage (before 2.88) is placement's to tell; up time holds load averages.
        volatile: &[
            "uptime",
            "current_workload",
            "running_vms",
            "vcpus_used",
            "memory_mb_used",
            "local_gb_used",
            "free_disk_gb",
            "free_ram_mb",
            "disk_available_least",
        ],
        ..ROW
    },
    // Before 2.61 extra specs are not in the listing; they are then read per
    // flavor and put in.
    Row {
        kind: "compute.flavor",
        path: "flavors/detail",
        query: "is_public=None",
        list: "flavors",
        id: Id::OrContent(&["/id"]),
        project: &[],
        ..ROW
    },
    Row {
        kind: "compute.migration",
        path: "os-migrations",
        list: "migrations",
        name: "",
        cells: true,
        ..ROW
    },
    Row {
        kind: "compute.service",
        path: "os-services",
        list: "services",
        name: "/host",
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        // Written with every heartbeat.
        volatile: &["updated_at"],
        ..ROW
    },
    Row {
        kind: "compute.aggregate",
        path: "os-aggregates",
        list: "aggregates",
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        unordered: &["hosts"],
        ..ROW
    },
    Row {
        kind: "compute.availability_zone",
        path: "os-availability-zone/detail",
        list: "availabilityZoneInfo",
        id: Id::Fields(&["/zoneName"]),
        name: "/zoneName",
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        fallback: Some(Fallback { path: "os-availability-zone", query: "", view: View::Own }),
        volatile: &["updated_at"],
        ..ROW
    },
    Row {
        kind: "compute.server_group",
        path: "os-server-groups",
        query: "all_projects=True",
        list: "server_groups",
        paging: Paging::Offset,
        ..ROW
    },
    // Names are unique per user only.
    Row {
        kind: "compute.keypair",
        path: "os-keypairs",
        query: "user_id={parent}",
        list: "keypairs",
        shape: Shape::Wrapped("keypair"),
        id: Id::ParentAnd(&["/name"]),
        project: &[],
        view: View::Whole,
        fallback: Some(Fallback { path: "os-keypairs", query: "", view: View::Own }),
        parent: Some("identity.user"),
        told: Some("user_id"),
        secret: &["private_key"],
        ..ROW
    },
    Row {
        kind: "compute.quota",
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
    Row { kind: "compute.version", ..VERSION },
];
