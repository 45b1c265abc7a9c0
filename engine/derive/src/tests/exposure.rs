//! What the world reaches of a port, by each way.

use serde_json::{Value, json};

use super::memory::{Cluster, key};
use super::opening::rule;
use crate::source_key;

const KIND: &str = "openstack.exposure";

/// A port `p` of a server at 10.0.0.5 in a private network, in a group that
/// lets in SSH from the world by both families. Nothing leads to it.
fn cloud() -> Cluster {
    let mut cloud = Cluster::new();
    cloud.put("network.security_group", "R", "g", &json!({"name": "g"}));
    cloud.put("network.security_group_rule", "R", "r4", &rule(&json!({})));
    cloud.put("network.security_group_rule", "R", "r6", &rule(&json!({"ethertype": "IPv6"})));
    cloud.put(
        "network.network",
        "R",
        "n",
        &json!({"router:external": false, "provider:physical_network": null}),
    );
    cloud.put("network.network", "R", "ext", &json!({"router:external": true}));
    cloud.put("network.subnet", "R", "s", &json!({"gateway_ip": "10.0.0.1"}));
    cloud.put(
        "network.router",
        "R",
        "rt",
        &json!({"external_gateway_info": {"network_id": "ext", "enable_snat": true}}),
    );
    cloud.put("network.port", "R", "i", &interface("s", "10.0.0.1"));
    cloud.put("network.port", "R", "p", &port(&json!({})));
    cloud
}

fn port(with: &Value) -> Value {
    let mut port = json!({
        "network_id": "n", "device_id": "vm", "device_owner": "compute:az1", "security_groups": ["g"],
        "port_security_enabled": true, "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.5"}],
        "allowed_address_pairs": [],
    });
    port.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    port
}

fn interface(subnet: &str, address: &str) -> Value {
    json!({"network_id": "n", "device_id": "rt", "device_owner": "network:router_interface", "fixed_ips": [{"subnet_id": subnet, "ip_address": address}]})
}

fn at(subnet: &str, address: &str) -> Value {
    port(&json!({"fixed_ips": [{"subnet_id": subnet, "ip_address": address}]}))
}

fn body(cloud: &Cluster) -> Value {
    cloud.bodies(KIND).remove("R/p").unwrap()
}

fn keys(of: &Value) -> Vec<&str> {
    of.as_object().unwrap().keys().map(String::as_str).collect()
}

/// By which ways the world comes to the port, and what it reaches there.
#[track_caller]
fn reaches(cloud: &Cluster, ways: &[&str], tcp: &[&str]) {
    let body = body(cloud);
    assert_eq!(keys(&body["ways"]), ways);
    assert_eq!(keys(&body["tcp"]), tcp);
    assert_eq!(body["exposed"], json!(!tcp.is_empty()));
}

const SSH4: [&str; 1] = ["ipv4:22-22"];
const SSH6: [&str; 1] = ["ipv6:22-22"];

fn floating(with: &Value) -> Value {
    let mut floating = json!({"floating_ip_address": "203.0.113.7", "floating_network_id": "ext", "router_id": "rt", "port_id": "p", "fixed_ip_address": "10.0.0.5"});
    floating.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    floating
}

#[test]
fn nothing_leads_to_a_private_address() {
    reaches(&cloud(), &[], &[]);
}

#[test]
fn a_floating_ip_leads_to_its_port() {
    let mut cloud = cloud();
    cloud.put("network.floating_ip", "R", "f", &floating(&json!({})));
    reaches(&cloud, &["floating_ip:203.0.113.7"], &SSH4);
    let found = body(&cloud);
    assert_eq!(
        found["ways"]["floating_ip:203.0.113.7"],
        json!({"address": "203.0.113.7", "family": "ipv4", "fixed": "10.0.0.5", "floating_ip": "f", "how": "floating_ip", "network": "ext", "pair": null, "public": true, "router": "rt", "subnet": null})
    );
    assert_eq!(found["reachable"], json!({"ipv4": true}));
    assert_eq!(keys(&found["tcp"]["ipv4:22-22"]["rules"]), ["r4"]);
    assert_eq!(found["device_id"], "vm");
    let all = cloud.derived(KIND);
    let keys: Vec<String> =
        all.iter().map(|f| source_key(&f.resource.key).as_str().to_owned()).collect();
    assert_eq!(keys, ["openstack/network.port/R/i", "openstack/network.port/R/p"]);
    // Of another port, and of none.
    cloud.put("network.floating_ip", "R", "f", &floating(&json!({"port_id": "q"})));
    reaches(&cloud, &[], &[]);
    cloud.put(
        "network.floating_ip",
        "R",
        "f",
        &floating(&json!({"port_id": null, "fixed_ip_address": null})),
    );
    reaches(&cloud, &[], &[]);
    // A private one may be translated once more outside.
    cloud.put(
        "network.floating_ip",
        "R",
        "f",
        &floating(&json!({"floating_ip_address": "10.9.0.7"})),
    );
    reaches(&cloud, &["floating_ip:10.9.0.7"], &SSH4);
    assert_eq!(body(&cloud)["ways"]["floating_ip:10.9.0.7"]["public"], json!(false));
}

#[test]
fn forwarded_ports_are_all_that_is_exposed() {
    let mut cloud = cloud();
    let forward = |protocol: &str, port: u16| json!({"protocol": protocol, "external_port": 2222, "internal_port": port, "internal_port_id": "p", "internal_ip_address": "10.0.0.5"});
    let mut with = |forwarded: Value, ways: &[&str], tcp: &[&str]| {
        let none =
            json!({"port_id": null, "fixed_ip_address": null, "port_forwardings": forwarded});
        cloud.put("network.floating_ip", "R", "f", &floating(&none));
        reaches(&cloud, ways, tcp);
    };
    let way = ["forwarding:203.0.113.7:tcp:2222"];
    with(json!([forward("tcp", 22)]), &way, &SSH4);
    with(json!([forward("tcp", 23)]), &way, &[]);
    with(json!([forward("udp", 22)]), &["forwarding:203.0.113.7:udp:2222"], &[]);
    with(
        json!([{"protocol": "tcp", "external_port_range": "80:90", "internal_port_range": "20:30", "internal_port_id": "p"}]),
        &["forwarding:203.0.113.7:tcp:80:90"],
        &SSH4,
    );
    with(json!([]), &[], &[]);
    let any = rule(&json!({"protocol": null, "port_range_min": null, "port_range_max": null}));
    cloud.put("network.security_group_rule", "R", "r4", &any);
    let none = json!({"port_id": null, "port_forwardings": [forward("tcp", 22)]});
    cloud.put("network.floating_ip", "R", "f", &floating(&none));
    reaches(&cloud, &way, &SSH4);
    assert_eq!(body(&cloud)["all"], json!({}));
}

#[test]
fn a_forwarded_port_of_another_protocol_is_exposed_where_everything_is_let_in() {
    let mut cloud = cloud();
    let other = |cloud: &Cluster| {
        let body = body(cloud);
        let keys = keys(&body["other"]).into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(body["exposed"], json!(!keys.is_empty()));
        keys
    };
    for protocol in ["sctp", "dccp", "udplite"] {
        let forward = json!([{"protocol": protocol, "external_port": 2905, "internal_port_range": "2905:2906", "internal_port_id": "p"}]);
        let none = json!({"port_id": null, "fixed_ip_address": null, "port_forwardings": forward});
        cloud.put("network.floating_ip", "R", "f", &floating(&none));
        let mut by_rule = cloud.clone();
        assert_eq!(other(&by_rule), Vec::<String>::new(), "{protocol}");
        let any = json!({"protocol": null, "port_range_min": null, "port_range_max": null});
        by_rule.put("network.security_group_rule", "R", "r4", &rule(&any));
        let open = format!("ipv4:{protocol}:2905-2906");
        assert_eq!(other(&by_rule), std::slice::from_ref(&open));
        assert_eq!(keys(&body(&by_rule)["other"][&open]["rules"]), ["r4"]);
        let mut unfiltered = cloud.clone();
        let off = json!({"port_security_enabled": false, "security_groups": []});
        unfiltered.put("network.port", "R", "p", &port(&off));
        assert_eq!(other(&unfiltered), [open]);
    }
}

#[test]
fn an_external_network_is_outside() {
    let mut cloud = cloud();
    cloud.put(
        "network.network",
        "R",
        "n",
        &json!({"router:external": true, "provider:physical_network": "phys"}),
    );
    reaches(&cloud, &["external:10.0.0.5"], &SSH4);
    assert_eq!(body(&cloud)["ways"]["external:10.0.0.5"]["public"], json!(false));
}

#[test]
fn a_provider_network_with_global_addresses_is_outside() {
    let mut cloud = cloud();
    cloud.put("network.port", "R", "p", &at("pub", "8.8.8.8"));
    cloud.put("network.subnet", "R", "pub", &json!({"gateway_ip": "8.8.8.1"}));
    reaches(&cloud, &[], &[]);
    cloud.put("network.network", "R", "n", &json!({"provider:physical_network": "phys"}));
    reaches(&cloud, &["provider:8.8.8.8"], &SSH4);
    // Its packets go through a router of Neutron, which translates, or nowhere.
    cloud.put("network.port", "R", "j", &interface("pub", "8.8.8.1"));
    reaches(&cloud, &[], &[]);
    cloud.remove(&key("network.port", "R", "j"));
    cloud.put("network.subnet", "R", "pub", &json!({"gateway_ip": null}));
    reaches(&cloud, &[], &[]);
    cloud.put("network.subnet", "R", "pub", &json!({"gateway_ip": "8.8.8.1"}));
    cloud.put("network.port", "R", "p", &at("s", "10.0.0.5"));
    reaches(&cloud, &[], &[]);
}

#[test]
fn a_routed_subnet_is_outside() {
    let mut cloud = cloud();
    cloud.put("network.port", "R", "p", &at("six", "2a00::5"));
    cloud.put("network.subnet", "R", "six", &json!({"gateway_ip": "2a00::1"}));
    reaches(&cloud, &[], &[]);
    cloud.put("network.port", "R", "i6", &interface("six", "2a00::1"));
    reaches(&cloud, &["routed:2a00::5"], &SSH6);
    let way = &body(&cloud)["ways"]["routed:2a00::5"];
    assert_eq!(
        (&way["router"], &way["network"], &way["subnet"]),
        (&json!("rt"), &json!("ext"), &json!("six"))
    );
    // Not without a gateway, nor from one address scope into another.
    cloud.put("network.router", "R", "rt", &json!({"external_gateway_info": null}));
    reaches(&cloud, &[], &[]);
    cloud.put(
        "network.router",
        "R",
        "rt",
        &json!({"external_gateway_info": {"network_id": "ext"}}),
    );
    cloud.put("network.network", "R", "n", &json!({"ipv6_address_scope": "a"}));
    reaches(&cloud, &[], &[]);
    cloud.put(
        "network.network",
        "R",
        "ext",
        &json!({"router:external": true, "ipv6_address_scope": "a"}),
    );
    reaches(&cloud, &["routed:2a00::5"], &SSH6);
    cloud.put("network.port", "R", "p", &at("six", "fd00::5"));
    reaches(&cloud, &[], &[]);
}

#[test]
fn a_router_that_translates_lets_nobody_in() {
    let mut cloud = cloud();
    cloud.put("network.port", "R", "p", &at("s", "8.8.8.8"));
    reaches(&cloud, &[], &[]);
    let plain = json!({"external_gateway_info": {"network_id": "ext", "enable_snat": false}});
    cloud.put("network.router", "R", "rt", &plain);
    reaches(&cloud, &["routed:8.8.8.8"], &SSH4);
    let snat = json!({"external_gateway_info": {"network_id": "ext", "enable_snat": true}});
    cloud.put("network.router", "R", "rt", &snat);
    for network in ["n", "ext"] {
        let scoped = json!({"router:external": network == "ext", "ipv4_address_scope": "a"});
        cloud.put("network.network", "R", network, &scoped);
    }
    reaches(&cloud, &["routed:8.8.8.8"], &SSH4);
}

#[test]
fn a_virtual_address_leads_to_those_who_may_use_it() {
    let mut cloud = cloud();
    let vip = port(
        &json!({"device_id": "", "device_owner": "", "fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.9"}]}),
    );
    cloud.put("network.port", "R", "v", &vip);
    cloud.put(
        "network.floating_ip",
        "R",
        "f",
        &floating(&json!({"port_id": "v", "fixed_ip_address": "10.0.0.9"})),
    );
    reaches(&cloud, &[], &[]);
    let pairs = |pair: &str| {
        port(&json!({"allowed_address_pairs": [{"ip_address": pair, "mac_address": "a"}]}))
    };
    cloud.put("network.port", "R", "p", &pairs("10.0.0.9"));
    reaches(&cloud, &["pair:203.0.113.7"], &SSH4);
    assert_eq!(body(&cloud)["ways"]["pair:203.0.113.7"]["pair"], "10.0.0.9/32");
    assert_eq!(
        body(&cloud)["pairs"],
        json!({"10.0.0.9/32": {"family": "ipv4", "length": 32, "prefix": "10.0.0.9/32"}})
    );
    cloud.put("network.port", "R", "p", &pairs("10.0.0.0/24"));
    reaches(&cloud, &["pair:203.0.113.7"], &SSH4);
    cloud.put("network.port", "R", "p", &pairs("10.0.0.8"));
    reaches(&cloud, &[], &[]);
    // A device has the address, which answers there itself.
    cloud.put("network.port", "R", "p", &pairs("10.0.0.9"));
    cloud.put(
        "network.port",
        "R",
        "v",
        &port(&json!({"fixed_ips": [{"subnet_id": "s", "ip_address": "10.0.0.9"}]})),
    );
    reaches(&cloud, &[], &[]);
}

#[test]
fn without_port_security_everything_is_open() {
    let mut cloud = cloud();
    let off = json!({"port_security_enabled": false, "security_groups": []});
    cloud.put("network.port", "R", "p", &port(&off));
    reaches(&cloud, &[], &[]);
    cloud.put("network.floating_ip", "R", "f", &floating(&json!({})));
    reaches(&cloud, &["floating_ip:203.0.113.7"], &["ipv4:1-65535"]);
    let body = body(&cloud);
    assert_eq!(body["port_security"], json!(false));
    assert_eq!(body["all"], json!({"ipv4": {"family": "ipv4", "rules": {}}}));
    assert_eq!((keys(&body["udp"]), keys(&body["icmp"])), (vec!["ipv4:1-65535"], vec!["ipv4:any"]));
}

#[test]
fn groups_open_together() {
    let mut cloud = cloud();
    cloud.put("network.floating_ip", "R", "f", &floating(&json!({})));
    cloud.put("network.security_group", "R", "h", &json!({"name": "h"}));
    cloud.put(
        "network.security_group_rule",
        "R",
        "r4",
        &rule(&json!({"remote_ip_prefix": "0.0.0.0/1"})),
    );
    let upper = rule(&json!({"remote_ip_prefix": "128.0.0.0/1", "security_group_id": "h"}));
    cloud.put("network.security_group_rule", "R", "rh", &upper);
    reaches(&cloud, &["floating_ip:203.0.113.7"], &[]);
    cloud.put("network.port", "R", "p", &port(&json!({"security_groups": ["h", "g"]})));
    reaches(&cloud, &["floating_ip:203.0.113.7"], &SSH4);
    let rules = &body(&cloud)["tcp"]["ipv4:22-22"]["rules"];
    assert_eq!((&rules["r4"]["group"], &rules["rh"]["group"]), (&json!("g"), &json!("h")));
    cloud.put("network.port", "R", "p", &port(&json!({"security_groups": []})));
    reaches(&cloud, &["floating_ip:203.0.113.7"], &[]);
}

#[test]
fn ports_of_neutron_have_no_ranges() {
    let mut cloud = cloud();
    cloud.put(
        "network.port",
        "R",
        "p",
        &port(&json!({"device_owner": "network:dhcp", "port_security_enabled": false})),
    );
    cloud.put("network.floating_ip", "R", "f", &floating(&json!({})));
    reaches(&cloud, &[], &[]);
    assert_eq!(body(&cloud)["neutron"], json!(true));
}

/// Why the exposure cannot be told.
#[track_caller]
fn unreadable(cloud: &Cluster, expected: &str) {
    let why = body(cloud)["tidegate"]["unreadable"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains(expected), "{why}: {expected}");
}

#[test]
fn what_is_not_known_is_not_unreachable() {
    let remove = |kind: &str, id: &str| {
        let mut cloud = cloud();
        cloud.put("network.port", "R", "p", &at("s", "8.8.8.8"));
        cloud.remove(&key(kind, "R", id));
        cloud
    };
    for (kind, id, expected) in [
        ("network.security_group", "g", "security group `g` is not in the snapshot"),
        ("network.network", "n", "network `n` is not in the snapshot"),
        ("network.network", "ext", "network `ext` is not in the snapshot"),
        ("network.subnet", "s", "subnet `s` is not in the snapshot"),
        ("network.router", "rt", "router `rt` is not in the snapshot"),
    ] {
        unreadable(&remove(kind, id), expected);
    }
    for (kind, id, what) in [
        ("network.security_group_rule", "r4", "direction"),
        ("network.network", "n", "network `n`: it is not a network"),
        ("network.subnet", "s", "it is not a subnet"),
        ("network.router", "rt", "it is not a router"),
        ("network.port", "p", "it is not a port"),
    ] {
        let mut cloud = remove("network.port", "none");
        let odd = json!({"security_group_id": "g", "router:external": 1, "gateway_ip": 1, "external_gateway_info": 1});
        cloud.put(kind, "R", id, &odd);
        unreadable(&cloud, what);
    }
    let mut cloud = cloud();
    cloud.put("network.floating_ip", "R", "f", &json!({"port_id": "p"}));
    let all = cloud.derived(KIND);
    let odd = all.iter().find(|f| f.resource.body.contains("unreadable")).unwrap();
    assert_eq!(source_key(&odd.resource.key).as_str(), "openstack/network.floating_ip/R/f");
    cloud.put("network.floating_ip", "R", "f", &floating(&json!({})));
    cloud.put(
        "network.port",
        "R",
        "p",
        &port(&json!({"allowed_address_pairs": [{"ip_address": "all"}]})),
    );
    unreadable(&cloud, "`all` is no prefix");
}

#[test]
fn what_was_not_seen_is_not_known() {
    for (kind, id) in [
        ("network.port", "p"),
        ("network.port", "i"),
        ("network.security_group", "g"),
        ("network.security_group_rule", "r6"),
        ("network.network", "n"),
        ("network.network", "ext"),
        ("network.subnet", "s"),
        ("network.router", "rt"),
        ("network.floating_ip", "f"),
    ] {
        let mut cloud = cloud();
        cloud.put("network.port", "R", "p", &at("s", "8.8.8.8"));
        cloud.put(
            "network.floating_ip",
            "R",
            "f",
            &floating(&json!({"fixed_ip_address": "8.8.8.8"})),
        );
        let unseen = |cloud: &Cluster| {
            let all = cloud.derived(KIND);
            all.into_iter().find(|f| f.resource.key.id() == "p").unwrap().unseen_since.is_some()
        };
        assert!(!unseen(&cloud));
        cloud.see(&key(kind, "R", id), false);
        assert!(unseen(&cloud), "{kind} {id}");
    }
}
