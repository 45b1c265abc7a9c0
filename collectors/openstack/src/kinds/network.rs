//! Neutron.
//!
//! Who sees what: every listing is silently cut to the own project's and
//! shared things for others than admins; agents and default rules answer with
//! an empty list or 404 then, which only an admin may take for the truth. A token
//! for the system gets 200 and empty lists for everything (seen with Neutron 29).
//! What an extension adds is absent (404) where it is not loaded.

use crate::kind::{Fallback, Id, Paging, ROW, Row, Service, Shape, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "network",
    types: &["network"],
    version: "v2.0",
    microversion: None,
    needs_project: true,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 24] = [
    Row {
        kind: "network.port",
        path: "ports",
        list: "ports",
        unordered: &["security_groups"],
        ..ROW
    },
    Row {
        kind: "network.security_group_rule",
        path: "security-group-rules",
        list: "security_group_rules",
        name: "",
        ..ROW
    },
    // Their rules are a kind of their own; here they would be hashed twice.
    Row {
        kind: "network.security_group",
        path: "security-groups",
        list: "security_groups",
        volatile: &["security_group_rules"],
        ..ROW
    },
    Row {
        kind: "network.network",
        path: "networks",
        list: "networks",
        unordered: &["subnets"],
        ..ROW
    },
    Row { kind: "network.subnet", path: "subnets", list: "subnets", ..ROW },
    Row { kind: "network.router", path: "routers", list: "routers", ..ROW },
    Row {
        kind: "network.floating_ip",
        path: "floatingips",
        list: "floatingips",
        name: "/floating_ip_address",
        ..ROW
    },
    Row {
        kind: "network.agent",
        path: "agents",
        list: "agents",
        name: "/host",
        project: &[],
        // Written with every heartbeat.
        volatile: &["heartbeat_timestamp"],
        ..ROW
    },
    Row { kind: "network.subnet_pool", path: "subnetpools", list: "subnetpools", ..ROW },
    Row { kind: "network.address_scope", path: "address-scopes", list: "address_scopes", ..ROW },
    Row { kind: "network.address_group", path: "address-groups", list: "address_groups", ..ROW },
    // Listed for everybody with a usual role: the template of every new group.
    Row {
        kind: "network.default_security_group_rule",
        path: "default-security-group-rules",
        list: "default_security_group_rules",
        id: Id::OrContent(&["/id"]),
        name: "",
        project: &[],
        view: View::Readers,
        ..ROW
    },
    Row {
        kind: "network.availability_zone",
        path: "availability_zones",
        list: "availability_zones",
        id: Id::Fields(&["/resource", "/name"]),
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        ..ROW
    },
    Row {
        kind: "network.rbac_policy",
        path: "rbac-policies",
        list: "rbac_policies",
        name: "",
        ..ROW
    },
    Row { kind: "network.qos_policy", path: "qos/policies", list: "policies", ..ROW },
    Row {
        kind: "network.firewall_rule",
        path: "fwaas/firewall_rules",
        list: "firewall_rules",
        ..ROW
    },
    // The order of a policy's rules counts.
    Row {
        kind: "network.firewall_policy",
        path: "fwaas/firewall_policies",
        list: "firewall_policies",
        ..ROW
    },
    Row {
        kind: "network.firewall_group",
        path: "fwaas/firewall_groups",
        list: "firewall_groups",
        unordered: &["ports"],
        ..ROW
    },
    // Shown alike to everybody who is signed in.
    Row {
        kind: "network.extension",
        path: "extensions",
        list: "extensions",
        id: Id::Fields(&["/alias"]),
        project: &[],
        paging: Paging::None,
        view: View::Whole,
        ..ROW
    },
    Row { kind: "network.trunk", path: "trunks", list: "trunks", ..ROW },
    Row { kind: "network.segment", path: "segments", list: "segments", project: &[], ..ROW },
    Row { kind: "network.flavor", path: "flavors", list: "flavors", project: &[], ..ROW },
    Row {
        kind: "network.quota",
        path: "quotas/{parent}",
        list: "quota",
        shape: Shape::One,
        id: Id::Parent,
        name: "",
        paging: Paging::None,
        view: View::Whole,
        fallback: Some(Fallback { path: "quotas/{project}", query: "", view: View::Own }),
        parent: Some("identity.project"),
        ..ROW
    },
    Row { kind: "network.version", ..VERSION },
];
