//! A small cloud as its snapshots show it, for plans and gates.
#![allow(dead_code, unreachable_pub, reason = "each file of tests uses a part")]

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_model::{
    Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_store::{Begin, Store};

use crate::shell::Shell;

/// Three hosts, a pair that keeps apart, and one with a device of its own.
pub fn cloud() -> Value {
    let host = |n: usize| format!("comp-{n}");
    let all = |f: &dyn Fn(usize) -> Value| -> Value { (1..=3).map(f).collect() };
    let by_provider = |f: &dyn Fn(usize) -> Value| -> Value {
        (1..=3).map(|n| (format!("rp-{n}"), f(n))).collect::<serde_json::Map<_, _>>().into()
    };
    let class = |total: u64| json!({"total": total, "reserved": 0, "allocation_ratio": 1.0});
    let server = |id: &str, n: usize| {
        json!({"id": id, "status": "ACTIVE", "tenant_id": "t", "locked": false,
            "OS-EXT-STS:task_state": null, "OS-EXT-SRV-ATTR:host": host(n),
            "pinned_availability_zone": null, "os-extended-volumes:volumes_attached": [],
            "flavor": {"vcpus": 2, "ram": 4096, "disk": 0, "extra_specs": {}}})
    };
    let held = |ids: &[&str]| -> Value {
        let of =
            |id: &&str| ((*id).to_owned(), json!({"resources": {"VCPU": 2, "MEMORY_MB": 4096}}));
        json!({"allocations": ids.iter().map(of).collect::<serde_json::Map<_, _>>()})
    };
    let port = |id: &str, vnic: &str| {
        json!({"id": format!("p-{id}"), "device_id": id, "device_owner": "compute:az1",
            "binding:vnic_type": vnic})
    };
    json!({
        "compute.service": all(&|n| json!({"id": n.to_string(), "binary": "nova-compute",
            "host": host(n), "zone": "az1", "status": "enabled", "state": "up", "forced_down": false})),
        "compute.hypervisor": all(&|n| json!({"id": format!("rp-{n}"), "hypervisor_type": "QEMU",
            "hypervisor_version": 9_000_000, "service": {"host": host(n)}})),
        "compute.aggregate": [],
        "compute.server": [server("web-1", 1), server("web-2", 2), server("nic-1", 2)],
        "compute.server_group": [{"id": "web", "policy": "anti-affinity", "rules": {},
            "members": ["web-1", "web-2"]}],
        "compute.migration": [],
        "placement.resource_provider": all(&|n| json!({"uuid": format!("rp-{n}"), "name": host(n),
            "root_provider_uuid": format!("rp-{n}"), "parent_provider_uuid": null})),
        "placement.inventory": by_provider(&|_| {
            json!({"inventories": {"VCPU": class(16), "MEMORY_MB": class(32768)}})
        }),
        "placement.trait": by_provider(&|_| json!({"traits": []})),
        "placement.allocation": by_provider(&|n| match n {
            1 => held(&["web-1"]),
            2 => held(&["web-2", "nic-1"]),
            _ => held(&[]),
        }),
        "network.port": [port("web-1", "normal"), port("web-2", "normal"), port("nic-1", "direct")],
    })
}

/// Takes a snapshot at a time with these bodies; what `status` gives is how a kind went.
pub fn snapshot(shell: &Shell, time: Timestamp, bodies: &Value, status: &dyn Fn(&str) -> Status) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&shell.path("store")).await.unwrap();
        let begin =
            Begin { taken_at: time, tool_version: "test".to_owned(), salts: Box::new(|| [7; 16]) };
        let mut writer = store.begin(&Subject::new("prod1").unwrap(), begin).await.unwrap();
        let region: Arc<str> = Arc::from("RegionOne");
        for (name, all) in bodies.as_object().unwrap() {
            let kind = Kind::new(name).unwrap();
            let put = |id: &str, body: &Value| Resource {
                key: ResourceKey::build("openstack", &kind, &[&region, id]),
                kind: kind.clone(),
                region: Some(region.clone()),
                project: None,
                name: None,
                body: Arc::from(body.to_string()),
                source: Arc::from("openstack/test"),
                read_at: time,
            };
            let page: Vec<Resource> = match all {
                Value::Array(list) => {
                    list.iter().enumerate().map(|(n, b)| put(&n.to_string(), b)).collect()
                }
                Value::Object(by_id) => by_id.iter().map(|(id, b)| put(id, b)).collect(),
                other => panic!("{other}"),
            };
            writer.put(page).unwrap();
            writer.cover(KindCoverage {
                source: Arc::from("openstack/test"),
                region: Some(region.clone()),
                kind,
                status: status(name),
                visibility: Visibility::All,
                read_from: time,
                read_until: time,
            });
        }
        writer.commit().await.unwrap();
    });
}

pub fn complete(_: &str) -> Status {
    Status::Complete { count: 0 }
}
