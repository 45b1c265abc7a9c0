//! Octavia.
//!
//! Who sees what: silently cut to the own project for others than admins;
//! amphorae answer 403 to them.

use crate::kind::{Id, ROW, Row, Service, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "load-balancer",
    types: &["load-balancer"],
    version: "v2",
    microversion: None,
    needs_project: false,
    header: None,
    rows: &ROWS,
};

static ROWS: [Row; 10] = [
    Row {
        kind: "load-balancer.load_balancer",
        path: "lbaas/loadbalancers",
        list: "loadbalancers",
        ..ROW
    },
    Row { kind: "load-balancer.listener", path: "lbaas/listeners", list: "listeners", ..ROW },
    Row { kind: "load-balancer.pool", path: "lbaas/pools", list: "pools", ..ROW },
    Row {
        kind: "load-balancer.health_monitor",
        path: "lbaas/healthmonitors",
        list: "healthmonitors",
        ..ROW
    },
    Row { kind: "load-balancer.l7_policy", path: "lbaas/l7policies", list: "l7policies", ..ROW },
    Row {
        kind: "load-balancer.amphora",
        path: "octavia/amphorae",
        list: "amphorae",
        name: "",
        project: &[],
        view: View::Whole,
        ..ROW
    },
    Row {
        kind: "load-balancer.flavor",
        path: "lbaas/flavors",
        list: "flavors",
        project: &[],
        ..ROW
    },
    Row {
        kind: "load-balancer.member",
        path: "lbaas/pools/{parent}/members",
        list: "members",
        id: Id::Fields(&["/id"]),
        parent: Some("load-balancer.pool"),
        told: Some("pool_id"),
        ..ROW
    },
    Row {
        kind: "load-balancer.l7_rule",
        path: "lbaas/l7policies/{parent}/rules",
        list: "rules",
        name: "",
        parent: Some("load-balancer.l7_policy"),
        told: Some("l7_policy_id"),
        ..ROW
    },
    Row { kind: "load-balancer.version", ..VERSION },
];
