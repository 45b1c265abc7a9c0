//! Which addresses of a server are of the internet.

use serde_json::{Value, json};

use super::memory::{Cluster, key};
use crate::source_key;

const KIND: &str = "openstack.addresses";

fn server(with: &Value) -> Value {
    let mut server = json!({
        "id": "s", "status": "ACTIVE", "tenant_id": "p", "accessIPv4": "", "accessIPv6": "",
        "addresses": {"net": [{"version": 4, "addr": "10.3.3.147", "OS-EXT-IPS:type": "fixed"}]},
    });
    server.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    server
}

fn body(of: &Value) -> Value {
    let mut cloud = Cluster::new();
    cloud.put("compute.server", "R", "s", of);
    let fact = &cloud.derived(KIND)[0].resource;
    assert_eq!(source_key(&fact.key), key("compute.server", "R", "s"));
    cloud.bodies(KIND).into_values().next().unwrap()
}

/// What is said of an access address.
fn access(address: &str) -> Value {
    let field = if address.contains(':') { "accessIPv6" } else { "accessIPv4" };
    body(&server(&json!({field: address})))
}

#[test]
fn what_the_internet_does_not_route_is_internal() {
    for address in [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.1.1",
        "169.254.169.254",
        "127.0.0.1",
        "100.64.0.1",
        "100.127.255.254",
        "fd00::1",
        "fc00::1",
        "fe80::1",
        "::1",
        "::ffff:10.0.0.1",
    ] {
        assert_eq!(access(address)["external"], json!([]), "{address}");
    }
    for address in [
        "172.15.0.1",
        "172.32.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "192.169.0.1",
        "8.8.8.8",
        "203.0.113.7",
        "2001:db8::7",
        "2a00::1",
        "fec0::1",
        "::ffff:8.8.8.8",
    ] {
        let external = &access(address)["external"];
        assert_eq!(external[0]["addr"], address);
        assert_eq!(external[0]["type"], "access");
    }
}

#[test]
fn private_servers_of_a_project_are_alike() {
    let other = json!({"addresses": {"other": [{"addr": "192.168.0.9"}]}, "id": "t"});
    let alike = json!({"external": [], "internal": [], "tenant_id": "p"});
    assert_eq!(body(&server(&json!({}))), alike);
    assert_eq!(body(&server(&other)), alike);
    assert_eq!(body(&server(&json!({"addresses": {}}))), alike);
}

#[test]
fn each_address_says_where_it_stands_and_what_it_is() {
    let both = json!({"accessIPv6": "2a00::1", "addresses": {
        "a/b~": [{"addr": "8.8.8.8", "OS-EXT-IPS:type": "floating"}, {"addr": "10.0.0.5"}],
        "ext": [{"addr": "9.9.9.9"}, {"addr": "10.0.0.6", "OS-EXT-IPS:type": "floating"}],
    }});
    let expected = json!({
        "external": [
            {"addr": "8.8.8.8", "path": "/addresses/a~1b~0", "type": "floating"},
            {"addr": "9.9.9.9", "path": "/addresses/ext", "type": "fixed"},
            {"addr": "2a00::1", "path": "/accessIPv6", "type": "access"},
        ],
        "internal": ["10.0.0.5"],
        "tenant_id": "p",
    });
    assert_eq!(body(&server(&both)), expected);
    let floating = json!({"addresses": {"net": [
        {"addr": "10.0.0.5"}, {"addr": "8.8.8.8", "OS-EXT-IPS:type": "floating"},
    ]}});
    assert_eq!(body(&server(&floating))["internal"], json!([]), "no fixed one is external");
}

#[test]
fn what_cannot_be_read_says_so() {
    for (with, why) in [
        (json!({"addresses": "none"}), "as a server: invalid type: string \"none\""),
        (json!({"addresses": {"net": 5}}), "as a server: invalid type: integer `5`"),
        (json!({"addresses": {"net": [{"version": 4}]}}), "as a server: missing field `addr`"),
        (json!({"addresses": {"net": [{"addr": null}]}}), "as a server: invalid type: null"),
        (
            json!({"addresses": {"net": [{"addr": "10.0.0"}]}}),
            "`/addresses/net`: `10.0.0` is no IP",
        ),
        (json!({"accessIPv4": null}), "as a server: invalid type: null"),
        (json!({"accessIPv6": "x"}), "`/accessIPv6`: `x` is no IP address"),
        (json!({"tenant_id": 1}), "as a server: invalid type: integer `1`"),
    ] {
        let said = body(&server(&with));
        let said = said["tidegate"]["unreadable"].as_str().unwrap();
        assert!(said.starts_with(why), "{with}: {said}");
    }
    let mut lacking = server(&json!({}));
    lacking.as_object_mut().unwrap().remove("accessIPv4");
    let said = body(&lacking);
    assert!(
        said["tidegate"]["unreadable"].as_str().unwrap().contains("missing field `accessIPv4`")
    );
}
