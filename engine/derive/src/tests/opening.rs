//! What a security group opens to the world, by each route.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::memory::{Cluster, key};
use crate::source_key;

pub(super) const KIND: &str = "openstack.opening";
const RULE: &str = "network.security_group_rule";
const GROUP: &str = "network.security_group";

/// A rule of the group `g` that lets in TCP on port 22 from anywhere, but for
/// what `with` says.
pub(super) fn rule(with: &Value) -> Value {
    let mut rule = json!({
        "security_group_id": "g", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
        "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": null, "remote_group_id": null,
    });
    let with = with.as_object().unwrap().clone();
    rule.as_object_mut().unwrap().extend(with);
    rule
}

fn cloud(rules: &[Value]) -> Cluster {
    let mut cloud = Cluster::new();
    cloud.put(GROUP, "R", "g", &json!({"name": "g"}));
    let corporate = json!({"addresses": ["10.0.0.0/8", "192.168.1.7/32"]});
    cloud.put("network.address_group", "R", "corporate", &corporate);
    let halves = json!({"addresses": ["0.0.0.0/1", "128.0.0.0/1", "::/0"]});
    cloud.put("network.address_group", "R", "halves", &halves);
    for (n, with) in rules.iter().enumerate() {
        cloud.put(RULE, "R", &format!("r{n}"), &rule(with));
    }
    cloud
}

fn body(rules: &[Value]) -> Value {
    cloud(rules).bodies(KIND).remove("R/g").unwrap()
}

fn keys(of: &Value) -> Vec<&str> {
    of.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Rules, and what they open: `tcp ipv4:22-22`.
#[track_caller]
fn opens(rules: &[Value], expected: &[&str]) {
    let body = body(rules);
    let mut open = Vec::new();
    for what in ["all", "egress", "icmp", "other", "tcp", "udp"] {
        open.extend(keys(&body[what]).into_iter().map(|k| format!("{what} {k}")));
    }
    assert_eq!(open, expected);
    let counts = expected.iter().any(|e| !e.starts_with("egress"));
    assert_eq!(body["world"], json!(counts));
}

#[test]
fn the_world_is_let_in_by_many_routes() {
    let ssh = ["tcp ipv4:22-22"];
    opens(&[json!({})], &ssh);
    opens(&[json!({"remote_ip_prefix": "0.0.0.0/0"})], &ssh);
    opens(
        &[json!({"remote_ip_prefix": "0.0.0.0/1"}), json!({"remote_ip_prefix": "128.0.0.0/1"})],
        &ssh,
    );
    opens(&[json!({"remote_address_group_id": "halves"})], &ssh);
    opens(&[json!({"ethertype": "IPv6"})], &["tcp ipv6:22-22"]);
    opens(&[json!({"ethertype": "IPv6", "remote_ip_prefix": "2000::/3"})], &["tcp ipv6:22-22"]);
    opens(
        &[json!({"ethertype": "IPv6", "remote_address_group_id": "halves"})],
        &["tcp ipv6:22-22"],
    );
    opens(&[json!({"protocol": "6"})], &ssh);
    opens(&[json!({"protocol": 6})], &ssh);
    opens(&[json!({"port_range_min": null, "port_range_max": null})], &["tcp ipv4:1-65535"]);
    opens(&[json!({"port_range_min": 1, "port_range_max": 1024})], &["tcp ipv4:1-1024"]);
}

#[test]
fn not_everybody_is_the_world() {
    opens(&[], &[]);
    opens(&[json!({"remote_ip_prefix": "0.0.0.0/1"})], &[]);
    opens(
        &[json!({"remote_ip_prefix": "0.0.0.0/1"}), json!({"remote_ip_prefix": "128.0.0.0/2"})],
        &[],
    );
    opens(&[json!({"remote_ip_prefix": "10.0.0.0/8"})], &[]);
    opens(&[json!({"remote_group_id": "g"})], &[]);
    opens(&[json!({"remote_address_group_id": "corporate"})], &[]);
    opens(&[json!({"direction": "egress"})], &[]);
    // Halves that are let in to different ports, or families, are not one world.
    let upper =
        json!({"remote_ip_prefix": "128.0.0.0/1", "port_range_min": 23, "port_range_max": 23});
    opens(&[json!({"remote_ip_prefix": "0.0.0.0/1"}), upper], &[]);
    let other = json!({"remote_ip_prefix": "8000::/1", "ethertype": "IPv6"});
    opens(&[json!({"remote_ip_prefix": "0.0.0.0/1"}), other], &[]);
}

#[test]
fn ranges_are_disjoint_and_do_not_touch() {
    let ports = |from: u16, to: u16| json!({"port_range_min": from, "port_range_max": to});
    opens(&[ports(22, 22), ports(80, 90), ports(85, 443)], &["tcp ipv4:22-22", "tcp ipv4:80-443"]);
    opens(&[ports(22, 22), ports(23, 24)], &["tcp ipv4:22-24"]);
    opens(&[ports(1, 65535), ports(22, 22)], &["tcp ipv4:1-65535"]);
    let half = |prefix: &str, from: u16, to: u16| json!({"remote_ip_prefix": prefix, "port_range_min": from, "port_range_max": to});
    let halves = [half("0.0.0.0/1", 10, 30), half("128.0.0.0/1", 20, 40)];
    opens(&halves, &["tcp ipv4:20-30"]);
    let found = body(&halves);
    assert_eq!(keys(&found["tcp"]["ipv4:20-30"]["rules"]), ["r0", "r1"]);
    opens(&[halves.to_vec(), vec![ports(31, 35)]].concat(), &["tcp ipv4:20-35"]);
}

#[test]
fn rules_on_every_protocol_count_in_each() {
    let any = json!({"protocol": null, "port_range_min": null, "port_range_max": null});
    let expected = ["all ipv4", "icmp ipv4:any", "tcp ipv4:1-65535", "udp ipv4:1-65535"];
    opens(std::slice::from_ref(&any), &expected);
    let mut zero = any.clone();
    zero["protocol"] = json!("0");
    opens(&[zero], &expected);
    let mut out = any.clone();
    out["direction"] = json!("egress");
    opens(&[out.clone()], &["egress ipv4"]);
    out["remote_ip_prefix"] = json!("10.0.0.0/8");
    opens(&[out], &[]);
    // One half for all protocols, the other for TCP.
    let (mut lower, mut upper) = (any.clone(), json!({"remote_ip_prefix": "128.0.0.0/1"}));
    lower["remote_ip_prefix"] = json!("0.0.0.0/1");
    opens(&[lower.clone(), upper.clone()], &["tcp ipv4:22-22"]);
    upper["protocol"] = json!("vrrp");
    upper["port_range_min"] = Value::Null;
    upper["port_range_max"] = Value::Null;
    opens(&[lower, upper], &["other ipv4:vrrp"]);
}

#[test]
fn other_protocols_are_told_apart() {
    let other = |protocol: &str, from: Value, to: Value| json!({"protocol": protocol, "port_range_min": from, "port_range_max": to});
    opens(&[other("udp", json!(53), json!(53))], &["udp ipv4:53-53"]);
    opens(
        &[other("icmp", Value::Null, Value::Null), other("icmp", json!(8), json!(0))],
        &["icmp ipv4:any"],
    );
    opens(
        &[
            other("1", json!(8), Value::Null),
            other("icmp", json!(3), json!(4)),
            other("icmp", json!(8), json!(0)),
        ],
        &["icmp ipv4:3/4", "icmp ipv4:8"],
    );
    let mut six = other("icmp", json!(128), Value::Null);
    six["ethertype"] = json!("IPv6");
    opens(&[six], &["icmp ipv6:128"]);
    opens(&[other("sctp", json!(80), json!(90))], &["other ipv4:sctp:80-90"]);
    opens(
        &[
            other("20", Value::Null, Value::Null),
            other("200", Value::Null, Value::Null),
            other("47", Value::Null, Value::Null),
        ],
        &["other ipv4:20", "other ipv4:200", "other ipv4:gre"],
    );
}

#[test]
fn a_range_says_what_opens_it() {
    let body = body(&[
        json!({"remote_address_group_id": "halves"}),
        json!({"protocol": null, "port_range_min": null, "port_range_max": null, "remote_ip_prefix": "0.0.0.0/0"}),
    ]);
    assert_eq!(
        body["tcp"],
        json!({"ipv4:1-65535": {"family": "ipv4", "from": 1, "protocol": "tcp", "to": 65535, "rules": {
            "r0": {"address_group": "halves", "from": 22, "group": "g", "protocol": "tcp", "remote": null, "to": 22},
            "r1": {"address_group": null, "from": null, "group": "g", "protocol": "any", "remote": "0.0.0.0/0", "to": null},
        }}})
    );
    assert_eq!(body["key"], "openstack/network.security_group/R/g");
    let all = cloud(&[]).derived(KIND);
    assert_eq!(all[0].resource.key.as_str(), "openstack/openstack.opening/R/g");
    assert_eq!(source_key(&all[0].resource.key).as_str(), "openstack/network.security_group/R/g");
    assert_eq!(all[0].resource.region.as_deref(), Some("R"));
}

#[test]
fn wide_prefixes_are_listed() {
    let wide = |with: Value| {
        let body = body(&[with]);
        keys(&body["wide"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(wide(json!({"remote_ip_prefix": "0.0.0.0/1"})), ["r0:0.0.0.0/1"]);
    assert_eq!(wide(json!({"remote_ip_prefix": "10.0.0.0/8"})), ["r0:10.0.0.0/8"]);
    assert_eq!(
        wide(json!({"remote_address_group_id": "halves"})),
        ["r0:0.0.0.0/1", "r0:128.0.0.0/1"]
    );
    assert_eq!(
        wide(json!({"remote_ip_prefix": "2a00::/12", "ethertype": "IPv6"})),
        ["r0:2a00::/12"]
    );
    for none in ["0.0.0.0/0", "8.0.0.0/16"] {
        assert_eq!(wide(json!({"remote_ip_prefix": none})), Vec::<String>::new());
    }
    assert_eq!(
        wide(json!({"remote_ip_prefix": "0.0.0.0/1", "direction": "egress"})),
        Vec::<String>::new()
    );
    let one = body(&[json!({"remote_ip_prefix": "64.0.0.0/2"})]);
    assert_eq!(
        one["wide"]["r0:64.0.0.0/2"],
        json!({"address_group": null, "family": "ipv4", "from": 22, "length": 2, "prefix": "64.0.0.0/2", "protocol": "tcp", "rule": "r0", "to": 22})
    );
}

/// Why the opening of the group cannot be told.
#[track_caller]
fn unreadable(cloud: &Cluster, expected: &str) {
    let body = cloud.bodies(KIND).remove("R/g").unwrap();
    let why = body["tidegate"]["unreadable"].as_str().unwrap().to_owned();
    assert!(why.contains(expected), "{why}");
}

#[test]
fn what_cannot_be_read_is_no_closed_port() {
    for (with, expected) in [
        (json!({"direction": "sideways"}), "`/direction` is `sideways`"),
        (json!({"ethertype": "IPX"}), "`/ethertype` is `IPX`"),
        (json!({"protocol": "warp"}), "`/protocol` is none"),
        (json!({"port_range_max": null}), "are no range"),
        (json!({"port_range_min": 23}), "are no range"),
        (json!({"port_range_min": "ssh"}), "is not a security group rule"),
        (json!({"remote_ip_prefix": "anywhere"}), "`/remote_ip_prefix` is `anywhere`"),
        (json!({"remote_ip_prefix": "::/0"}), "`/remote_ip_prefix` is `::/0`"),
        (json!({"remote_address_group_id": "gone"}), "address group `gone` is not in the snapshot"),
    ] {
        unreadable(&cloud(&[with]), expected);
    }
    let mut broken = cloud(&[json!({"remote_address_group_id": "halves"})]);
    broken.put("network.address_group", "R", "halves", &json!({"addresses": ["somewhere"]}));
    unreadable(&broken, "`somewhere` is no prefix");
    // A rule that does not say of which group it is stands for itself.
    let mut alone = cloud(&[]);
    alone.put_text(RULE, "R", "x", "[");
    let all = alone.derived(KIND);
    let keys: Vec<String> =
        all.iter().map(|f| source_key(&f.resource.key).as_str().to_owned()).collect();
    assert_eq!(
        keys,
        ["openstack/network.security_group/R/g", "openstack/network.security_group_rule/R/x"]
    );
    assert!(all[1].resource.body.contains("unreadable"));
}

#[test]
fn what_was_not_seen_is_not_known() {
    let with = json!({"remote_address_group_id": "halves"});
    for (kind, id) in [(GROUP, "g"), (RULE, "r0"), ("network.address_group", "halves")] {
        let mut cloud = cloud(std::slice::from_ref(&with));
        assert_eq!(cloud.derived(KIND)[0].unseen_since, None);
        cloud.see(&key(kind, "R", id), false);
        assert!(cloud.derived(KIND)[0].unseen_since.is_some(), "{kind}");
    }
    let mut cloud = cloud(&[with]);
    cloud.see(&key("network.address_group", "R", "corporate"), false);
    assert_eq!(cloud.derived(KIND)[0].unseen_since, None, "nobody uses it");
}

#[test]
fn regions_are_apart() {
    let mut cloud = cloud(&[]);
    cloud.put(GROUP, "S", "g", &json!({"name": "g"}));
    cloud.put(RULE, "S", "r", &rule(&json!({})));
    let all = cloud.bodies(KIND);
    assert_eq!((&all["R/g"]["world"], &all["S/g"]["world"]), (&json!(false), &json!(true)));
}

/// Eighths of the address space that have anything of the world, by a bit each.
const EIGHTHS: u8 = 0b0111_1111;

fn eighths(prefix: &str) -> u8 {
    let (address, length) = prefix.split_once('/').unwrap();
    let first: u8 = address.split('.').next().unwrap().parse().unwrap();
    let length: u32 = length.parse().unwrap();
    let of = |n: &u8| length == 0 || (n * 32) >> (8 - length) == first >> (8 - length);
    (0..8).filter(of).map(|n| 1 << n).sum()
}

const PREFIXES: [&str; 9] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "0.0.0.0/2",
    "64.0.0.0/2",
    "128.0.0.0/2",
    "192.0.0.0/3",
    "160.0.0.0/3",
    "96.0.0.0/3",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Port by port and eighth by eighth.
    #[test]
    fn ranges_are_what_each_port_says(
        rules in prop::collection::vec((1..9_u16, 0..4_u16, 0..PREFIXES.len(), 0..8_u8), 0..9),
    ) {
        let made: Vec<Value> = rules.iter().map(|(from, more, prefix, any)| match any {
            0 => json!({"protocol": null, "port_range_min": null, "port_range_max": null, "remote_ip_prefix": PREFIXES[*prefix]}),
            _ => json!({"port_range_min": from, "port_range_max": from + more, "remote_ip_prefix": PREFIXES[*prefix]}),
        }).collect();
        let body = body(&made);
        let number = |v: &Value| u16::try_from(v.as_u64().unwrap()).unwrap();
        let ranges: Vec<(u16, u16)> =
            body["tcp"].as_object().unwrap().values().map(|r| (number(&r["from"]), number(&r["to"]))).collect();
        for port in 1..15_u16 {
            let here = |(from, more, _, any): &&(u16, u16, usize, u8)| *any == 0 || (*from..=from + more).contains(&port);
            let covered = rules.iter().filter(here).fold(0, |all, (_, _, p, _)| all | eighths(PREFIXES[*p]));
            let open = covered & EIGHTHS == EIGHTHS;
            let found = ranges.iter().filter(|(a, b)| (*a..=*b).contains(&port)).count();
            prop_assert_eq!(found, usize::from(open), "port {} in {:?}", port, &body["tcp"]);
        }
        let mut ordered = ranges.clone();
        ordered.sort_unstable();
        prop_assert!(ordered.windows(2).all(|w| w[0].1 + 1 < w[1].0), "{:?}", ordered);
    }
}
