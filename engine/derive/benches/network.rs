//! CPU time of deriving openings and exposures, cold and after one rule of one
//! security group changed.
//!
//! Prints one JSON object per line. The cloud is in memory, so reading from a
//! store is not in the figures. Bounds: 0.5 s for 100,000 resources cold, 0.05 s
//! after the change, memory of the earlier snapshot read and written included.

#[path = "../../policy/benches/cloud/mod.rs"]
#[allow(dead_code, reason = "this bench needs no dice")]
mod cloud;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use tidegate_derive::Derived;
use tidegate_model::{
    Change, ChangeOp, Fact, Facts, Kind, KindCoverage, Resource, ResourceKey, SnapshotId,
    SnapshotMeta, Status, Subject, Timestamp, Visibility,
};

use cloud::{Cloud, measure};

fn id(sort: usize, n: usize) -> String {
    format!("{n:08x}-5fd4-4c7b-9a3c-{sort:012x}")
}

impl Cloud {
    fn put(&mut self, kind: &str, id: &str, body: &str) -> anyhow::Result<ResourceKey> {
        let kind = Kind::new(kind)?;
        let key = ResourceKey::build("openstack", &kind, &["RegionOne", id]);
        let resource = Resource {
            key: key.clone(),
            kind: kind.clone(),
            region: Some(Arc::from("RegionOne")),
            project: Some(Arc::from("p")),
            name: Some(Arc::from("n")),
            body: Arc::from(body),
            source: Arc::from("openstack/network"),
            read_at: Timestamp::UNIX_EPOCH,
        };
        let fact = Fact { resource, unseen_since: None };
        self.kinds.entry(kind).or_default().insert(key.clone(), fact);
        Ok(key)
    }

    fn rule(&mut self, n: usize, group: usize, prefix: &str) -> anyhow::Result<ResourceKey> {
        let (id, group) = (id(1, n), id(2, group));
        let port = 1000 + n % 5;
        let body = format!(
            r#"{{"created_at":"2026-08-01T10:00:00Z","description":"","direction":"ingress","ethertype":"IPv4","id":"{id}","normalized_cidr":"{prefix}","port_range_max":{port},"port_range_min":{port},"project_id":"p","protocol":"tcp","remote_address_group_id":null,"remote_group_id":null,"remote_ip_prefix":"{prefix}","revision_number":0,"security_group_id":"{group}","tags":[],"tenant_id":"p","updated_at":"2026-08-01T10:00:00Z"}}"#
        );
        self.put("network.security_group_rule", &id, &body)
    }
}

/// Half rules, a third ports, the rest groups, floating IPs, subnets, networks
/// and routers.
fn made(resources: usize) -> anyhow::Result<Cloud> {
    let subject = Subject::new("bench")?;
    let meta = SnapshotMeta {
        id: SnapshotId { subject, seq: 1 },
        taken_at: Timestamp::UNIX_EPOCH,
        coverage: Vec::new(),
    };
    let mut cloud = Cloud { meta, kinds: BTreeMap::new(), changes: Vec::new() };
    let (rules, ports) = (resources / 2, resources / 3);
    let (groups, networks) = (resources / 10, resources / 100);
    for n in 0..rules {
        let prefix = match n % 8 {
            0 => "0.0.0.0/0",
            1 => "0.0.0.0/1",
            2 => "128.0.0.0/1",
            _ => "10.0.0.0/8",
        };
        cloud.rule(n, n % groups, prefix)?;
    }
    for n in 0..groups {
        let body = format!(r#"{{"id":"{}","name":"g{n}","stateful":true}}"#, id(2, n));
        cloud.put("network.security_group", &id(2, n), &body)?;
    }
    for n in 0..ports {
        let (network, address) =
            (n % networks, format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255));
        let body = format!(
            r#"{{"admin_state_up":true,"allowed_address_pairs":[],"binding:host_id":"compute-{}","binding:vif_type":"ovs","device_id":"{}","device_owner":"compute:az1","fixed_ips":[{{"ip_address":"{address}","subnet_id":"{}"}}],"id":"{}","mac_address":"fa:16:3e:00:00:01","name":"","network_id":"{}","port_security_enabled":true,"project_id":"p","security_groups":["{}","{}"],"status":"ACTIVE"}}"#,
            n % 80,
            id(9, n),
            id(4, network),
            id(3, n),
            id(5, network),
            id(2, n % groups),
            id(2, (n * 7) % groups),
        );
        cloud.put("network.port", &id(3, n), &body)?;
        if n % 8 == 0 {
            let body = format!(
                r#"{{"fixed_ip_address":"{address}","floating_ip_address":"203.0.{}.{}","floating_network_id":"ext","port_id":"{}","router_id":"{}"}}"#,
                (n >> 8) & 255,
                n & 255,
                id(3, n),
                id(6, network)
            );
            cloud.put("network.floating_ip", &id(7, n), &body)?;
        }
    }
    for n in 0..networks {
        cloud.put("network.network", &id(5, n), r#"{"router:external":false}"#)?;
        cloud.put("network.subnet", &id(4, n), r#"{"gateway_ip":"10.0.0.1"}"#)?;
        let gateway = r#"{"external_gateway_info":{"network_id":"ext","enable_snat":true}}"#;
        cloud.put("network.router", &id(6, n), gateway)?;
    }
    cloud.put("network.network", "ext", r#"{"router:external":true}"#)?;
    let entry = |kind: &Kind| KindCoverage {
        source: Arc::from("openstack/network"),
        region: Some(Arc::from("RegionOne")),
        kind: kind.clone(),
        status: Status::Complete { count: 0 },
        visibility: Visibility::All,
        read_from: Timestamp::UNIX_EPOCH,
        read_until: Timestamp::UNIX_EPOCH,
    };
    cloud.meta.coverage = cloud.kinds.keys().map(entry).collect();
    Ok(cloud)
}

fn main() -> anyhow::Result<()> {
    let kinds = [Kind::new("openstack.opening")?, Kind::new("openstack.exposure")?];
    for resources in [10_000, 100_000] {
        let mut cloud = made(resources)?;
        let (cold_cpu_s, (facts, memory)) = measure(|| {
            let derived = Derived::new(&cloud, &kinds);
            let mut facts = 0_u64;
            for kind in &kinds {
                derived.each(kind, &mut |_| facts += 1)?;
            }
            Ok((facts, derived.remember()))
        })?;
        let key = cloud.rule(8, 8, "10.0.0.0/9")?;
        let kind = Kind::new(key.kind())?;
        cloud.changes = vec![Change { key, kind, op: ChangeOp::Put }];
        cloud.meta.id.seq = 2;
        let (changed_cpu_s, changed) = measure(|| {
            let derived = Derived::new(&cloud, &kinds);
            derived.recall(1, &memory);
            let changes = derived.changes_since(1)?.unwrap_or_default();
            let mine = changes.into_iter().filter(|c| kinds.contains(&c.kind)).map(|c| c.key);
            let keys: Vec<ResourceKey> = mine.collect();
            let mut read = 0_usize;
            derived.fetch(&keys, &mut |_| read += 1)?;
            anyhow::ensure!(read == keys.len() && derived.remember().len() == memory.len());
            Ok(read)
        })?;
        let (cold_bound_s, changed_bound_s) = (0.5 * resources as f64 / 100_000.0, 0.05);
        let line = serde_json::json!({
            "bench": "derive.network",
            "resources": resources,
            "facts": facts,
            "memory_bytes": memory.len(),
            "cold_cpu_s": cold_cpu_s,
            "cold_ratio": cold_cpu_s / cold_bound_s,
            "changed_facts": changed,
            "changed_cpu_s": changed_cpu_s,
            "changed_ratio": changed_cpu_s / changed_bound_s,
        });
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}
