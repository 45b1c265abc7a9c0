//! Changes in a cloud's networks and directory that are told from an index are
//! those that comparing everything finds, on random histories.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_model::Facts as _;

use super::histories::{all, asked, check};
use super::memory::{Cluster, key};
use super::opening::rule;
use crate::Derived;

#[derive(Debug, Clone)]
enum Step {
    Put { kind: usize, id: u8, a: u8, b: u8 },
    Remove { kind: usize, id: u8 },
    See { kind: usize, id: u8, seen: bool },
}

const KINDS: [&str; 15] = [
    "network.address_group",
    "network.floating_ip",
    "network.network",
    "network.port",
    "network.port",
    "network.port",
    "network.router",
    "network.security_group",
    "network.security_group_rule",
    "network.subnet",
    "identity.group_member",
    "identity.role_assignment",
    "identity.role_inference",
    "identity.user",
    "compute.server",
];

/// Something that refers to `a` and `b`, at times to nothing that can be read.
fn body(at: usize, a: u8, b: u8) -> Value {
    let (x, y) = (a.to_string(), b.to_string());
    match (KINDS[at], at) {
        ("network.address_group", _) => {
            let address = ["0.0.0.0/0", "10.0.0.0/8", "odd"][usize::from(a % 3)];
            json!({"addresses": [address]})
        }
        ("network.floating_ip", _) if a == 3 => json!({"port_id": y}),
        ("network.floating_ip", _) => json!({
            "floating_ip_address": format!("203.0.113.{a}"), "port_id": y, "floating_network_id": x,
            "port_forwardings": [{"protocol": "tcp", "external_port": 1, "internal_port": 22, "internal_port_id": x}],
        }),
        ("network.network", _) => {
            json!({"router:external": a == 1, "provider:physical_network": (b == 1).then_some("p"), "ipv6_address_scope": (a == 2).then_some("s")})
        }
        ("network.router", _) => {
            json!({"external_gateway_info": {"network_id": x, "enable_snat": b == 1}})
        }
        ("network.security_group_rule", _) if a == 3 => {
            json!({"direction": 1, "security_group_id": (b > 1).then_some(y)})
        }
        ("network.security_group_rule", _) => rule(&json!({
            "security_group_id": x, "ethertype": if b == 3 { "IPv6" } else { "IPv4" },
            "remote_address_group_id": (b < 2).then_some(y),
        })),
        ("network.subnet", _) => json!({"gateway_ip": format!("8.8.{a}.1")}),
        // A server, a virtual address, an interface of a router.
        ("network.port", 3) => json!({
            "network_id": x, "device_id": "vm", "security_groups": [y, x], "fixed_ips": [{"subnet_id": y, "ip_address": format!("8.8.{b}.7")}, {"subnet_id": x, "ip_address": "2a00::7"}],
            "allowed_address_pairs": [{"ip_address": "10.0.0.0/8"}],
        }),
        ("network.port", 4) => {
            json!({"network_id": x, "device_id": "", "security_groups": [y], "fixed_ips": [{"subnet_id": y, "ip_address": "10.0.0.9"}]})
        }
        ("network.port", _) => {
            json!({"network_id": x, "device_id": y, "device_owner": "network:router_interface", "fixed_ips": [{"subnet_id": x, "ip_address": format!("8.8.{b}.1")}]})
        }
        ("compute.server", _) if a == 3 => json!({"addresses": y}),
        ("compute.server", _) => {
            json!({"addresses": {x: [{"addr": format!("8.8.8.{b}")}]}, "accessIPv4": "", "accessIPv6": "", "tenant_id": "p"})
        }
        ("identity.group_member", _) => json!({"id": x, "tidegate": {"group_id": y}}),
        ("identity.role_assignment", _) => {
            json!({if b > 1 { "user" } else { "group" }: {"id": x}, "role": {"id": y}, "scope": {"project": {"id": "p"}}})
        }
        ("identity.role_inference", _) => json!({"prior_role": {"id": x}, "implies": [{"id": y}]}),
        (_, _) => json!({"name": x, "enabled": b == 1}),
    }
}

fn region(of: &str) -> &'static str {
    if of.starts_with("identity.") { "" } else { "R" }
}

fn apply(cloud: &mut Cluster, step: &Step) {
    let place = |at: usize, id: u8| key(KINDS[at], region(KINDS[at]), &id.to_string());
    match *step {
        Step::Put { kind, id, a, b } => {
            cloud.put(KINDS[kind], region(KINDS[kind]), &id.to_string(), &body(kind, a, b));
        }
        Step::Remove { kind, id } => cloud.remove(&place(kind, id)),
        Step::See { kind, id, seen } => cloud.see(&place(kind, id), seen),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let at = || (0..KINDS.len(), 0..4_u8);
    prop_oneof![
        8 => (at(), 0..4_u8, 0..4_u8).prop_map(|((kind, id), a, b)| Step::Put { kind, id, a, b }),
        2 => at().prop_map(|(kind, id)| Step::Remove { kind, id }),
        1 => (at(), any::<bool>()).prop_map(|((kind, id), seen)| Step::See { kind, id, seen }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn changes_are_all_there_are(
        rounds in prop::collection::vec((prop::collection::vec(step(), 0..12), prop::bool::weighted(0.2)), 1..8),
    ) {
        check(&rounds, apply);
    }
}

/// What there is news of, by kind and id, when something changes in a cloud of
/// ten groups and ports, each port in its own group and one group for all.
fn news(change: &dyn Fn(&mut Cluster)) -> Vec<String> {
    let mut cloud = Cluster::new();
    cloud.put("network.network", "R", "n", &json!({}));
    for n in 0..10 {
        let n = n.to_string();
        cloud.put("network.security_group", "R", &n, &json!({}));
        cloud.put("network.security_group_rule", "R", &n, &rule(&json!({"security_group_id": n})));
        cloud.put(
            "network.port",
            "R",
            &n,
            &json!({"network_id": "n", "security_groups": [n, "all"]}),
        );
    }
    cloud.put("network.security_group", "R", "all", &json!({}));
    let kinds = asked();
    let derived = Derived::new(&cloud, &kinds);
    all(&derived);
    let memory = derived.remember();
    let mut next = cloud.next();
    change(&mut next);
    let derived = Derived::new(&next, &kinds);
    derived.recall(1, &memory);
    let changes = derived.changes_since(1).unwrap().unwrap();
    let derived = changes.iter().filter(|c| crate::is_derived(c.kind.as_str()));
    derived.map(|c| c.key.as_str().trim_start_matches("openstack/openstack.").to_owned()).collect()
}

#[test]
fn what_does_not_depend_on_a_change_has_not_changed() {
    assert_eq!(news(&|_| {}), Vec::<String>::new());
    let closed = rule(&json!({"security_group_id": "3", "remote_group_id": "3"}));
    let found = news(&|c| c.put("network.security_group_rule", "R", "3", &closed));
    assert_eq!(found, ["exposure/R/3", "opening/R/3"]);
    let found = news(&|c| c.remove(&key("network.security_group_rule", "R", "3")));
    assert_eq!(found, ["exposure/R/3", "opening/R/3"]);
    let found = news(&|c| c.put("network.security_group", "R", "3", &json!({"description": "d"})));
    assert_eq!(found, ["exposure/R/3", "opening/R/3"]);
    let floating = json!({"floating_ip_address": "203.0.113.1", "port_id": "7"});
    assert_eq!(news(&|c| c.put("network.floating_ip", "R", "f", &floating)), ["exposure/R/7"]);
    assert_eq!(news(&|c| c.put("network.security_group", "R", "all", &json!({"a": 1}))).len(), 11);
    assert_eq!(
        news(&|c| c.put("network.network", "R", "n", &json!({"router:external": true}))).len(),
        10
    );
    assert_eq!(
        news(&|c| c.put("identity.user", "", "u", &json!({"name": "u"}))),
        ["access/user/u", "tenancy/user/u"]
    );
    assert_eq!(
        news(&|c| c.put("compute.server", "R", "s", &json!({}))),
        ["addresses/compute.server/R/s"]
    );
    assert_eq!(news(&|c| c.put("image.image", "R", "i", &json!({}))), Vec::<String>::new());
}
