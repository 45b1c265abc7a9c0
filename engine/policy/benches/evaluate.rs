//! CPU time of judging: 10 rules over a made-up cloud, anew and carried.
//!
//! Prints one JSON object per line. `parse_cpu_s` is reading and parsing alone,
//! `eval_cpu_s` judging without it; `ratio` is `eval_cpu_s / bound_s`, where
//! the bound is 1 s for 100,000 resources. For carried verdicts `ratio` is
//! the cost of a snapshot with 1 % changed over that of judging it anew; its
//! bound is 0.05.

mod cloud;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tidegate_model::{
    Change, ChangeOp, Fact, Kind, KindCoverage, Resource, ResourceKey, SnapshotId, SnapshotMeta,
    Status, Subject, Timestamp, Visibility,
};
use tidegate_policy::{Bundle, Options, Parameters, RuleSet, evaluate, parse_only};

use cloud::{Cloud, Dice, measure};

/// Kind and share of it, in percent.
const SHARES: [(&str, usize); 6] = [
    ("compute.server", 42),
    ("block-storage.volume", 18),
    ("network.port", 18),
    ("network.security_group", 12),
    ("image.image", 6),
    ("compute.flavor", 4),
];

fn body(kind: &str, n: usize, dice: &mut Dice) -> String {
    let id = format!("{n:08x}-5fd4-4c7b-9a3c-{:012x}", dice.roll(1 << 31));
    let links = format!(r#"[{{"href":"https://api.example.com/v2/{id}","rel":"self"}}]"#);
    match kind {
        "compute.server" => {
            let key = if dice.roll(50) == 0 { "null" } else { "\"ops\"" };
            let flavor = if dice.roll(60) == 0 { "m1.large" } else { "SCS-4V-16" };
            let owner = if dice.roll(80) == 0 { "" } else { "\"owner\":\"team-a\"," };
            let status = if dice.roll(200) == 0 { "ERROR" } else { "ACTIVE" };
            format!(
                r#"{{"OS-EXT-AZ:availability_zone":"nova","OS-EXT-SRV-ATTR:host":"compute-{}","OS-EXT-STS:power_state":1,"OS-EXT-STS:task_state":null,"OS-EXT-STS:vm_state":"active","accessIPv4":"","accessIPv6":"","addresses":{{"net":[{{"OS-EXT-IPS-MAC:mac_addr":"fa:16:3e:00:{:02x}:{:02x}","OS-EXT-IPS:type":"fixed","addr":"10.0.{}.{}","version":4}}]}},"config_drive":"","created":"2026-08-01T10:00:00Z","flavor":{{"disk":0,"ephemeral":0,"extra_specs":{{"scs:cpu-type":"shared-core"}},"original_name":"{flavor}","ram":16384,"swap":0,"vcpus":4}},"hostId":"{:056x}","id":"{id}","image":"","key_name":{key},"links":{links},"metadata":{{{owner}"env":"prod"}},"name":"vm-{n}","os-extended-volumes:volumes_attached":[{{"delete_on_termination":false,"id":"{id}"}}],"security_groups":[{{"name":"default"}}],"status":"{status}","tags":[],"tenant_id":"{:032x}","updated":"2026-11-01T10:00:00Z","user_id":"{:032x}"}}"#,
                dice.roll(80),
                dice.roll(256),
                dice.roll(256),
                dice.roll(256),
                dice.roll(256),
                dice.roll(1 << 40),
                dice.roll(200),
                dice.roll(500),
            )
        }
        "block-storage.volume" => {
            let encrypted = dice.roll(10) != 0;
            let attachment = format!(
                r#"{{"attachment_id":"{id}","device":"/dev/vda","host_name":null,"server_id":"{id}"}}"#
            );
            let attachments =
                if dice.roll(90) == 0 { format!("{attachment},{attachment}") } else { attachment };
            format!(
                r#"{{"attachments":[{attachments}],"availability_zone":"nova","bootable":"true","consistencygroup_id":null,"created_at":"2026-08-01T10:00:00.000000","description":"","encrypted":{encrypted},"id":"{id}","links":{links},"metadata":{{}},"multiattach":false,"name":"vol-{n}","os-vol-host-attr:host":"ceph@rbd#rbd","os-vol-tenant-attr:tenant_id":"{:032x}","replication_status":null,"size":{},"snapshot_id":null,"source_volid":null,"status":"in-use","user_id":"{:032x}","volume_type":"ssd"}}"#,
                dice.roll(200),
                dice.roll(100),
                dice.roll(500),
            )
        }
        "network.port" => {
            let secure = dice.roll(40) != 0;
            let pairs = if dice.roll(100) == 0 {
                r#"{"ip_address":"0.0.0.0/0","mac_address":"fa:16:3e:00:00:01"}"#
            } else {
                ""
            };
            format!(
                r#"{{"admin_state_up":true,"allowed_address_pairs":[{pairs}],"binding:host_id":"compute-1","binding:profile":{{}},"binding:vif_type":"ovs","binding:vnic_type":"normal","description":"","device_id":"{id}","device_owner":"compute:nova","dns_name":"","extra_dhcp_opts":[],"fixed_ips":[{{"ip_address":"10.0.{}.{}","subnet_id":"{id}"}}],"id":"{id}","mac_address":"fa:16:3e:{:02x}:{:02x}:00","name":"","network_id":"{id}","port_security_enabled":{secure},"project_id":"{:032x}","revision_number":4,"security_groups":["{id}"],"status":"ACTIVE","tags":[]}}"#,
                dice.roll(256),
                dice.roll(256),
                dice.roll(256),
                dice.roll(256),
                dice.roll(200),
            )
        }
        "network.security_group" => {
            let mut rules = Vec::new();
            for r in 0..2 + dice.roll(6) {
                let prefix = if dice.roll(20) == 0 { "\"0.0.0.0/0\"" } else { "\"10.0.0.0/8\"" };
                let port = if dice.roll(4) == 0 { 22 } else { 443 + dice.roll(100) };
                rules.push(format!(
                    r#"{{"description":"","direction":"ingress","ethertype":"IPv4","id":"{id}-{r}","port_range_max":{port},"port_range_min":{port},"protocol":"tcp","remote_group_id":null,"remote_ip_prefix":{prefix},"security_group_id":"{id}"}}"#
                ));
            }
            format!(
                r#"{{"description":"","id":"{id}","name":"sg-{n}","project_id":"{:032x}","revision_number":2,"security_group_rules":[{}],"shared":false,"stateful":true,"tags":[]}}"#,
                dice.roll(200),
                rules.join(","),
            )
        }
        "image.image" => {
            let distro = if dice.roll(20) == 0 { "" } else { r#""os_distro":"ubuntu","# };
            format!(
                r#"{{"architecture":"x86_64","checksum":"{:032x}","container_format":"bare","created_at":"2026-08-01T10:00:00Z","disk_format":"raw","hw_disk_bus":"scsi","id":"{id}","min_disk":8,"min_ram":512,"name":"image-{n}",{distro}"os_version":"24.04","owner":"{:032x}","protected":true,"size":2361393152,"status":"active","tags":[],"updated_at":"2026-11-01T10:00:00Z","visibility":"public"}}"#,
                dice.roll(1 << 40),
                dice.roll(200),
            )
        }
        _ => {
            let name = if dice.roll(20) == 0 { "m1.tiny" } else { "SCS-4V-16" };
            format!(
                r#"{{"OS-FLV-DISABLED:disabled":false,"OS-FLV-EXT-DATA:ephemeral":0,"disk":0,"extra_specs":{{"scs:cpu-type":"shared-core"}},"id":"{id}","links":{links},"name":"{name}","os-flavor-access:is_public":true,"ram":16384,"rxtx_factor":1.0,"swap":"","vcpus":4}}"#
            )
        }
    }
}

fn resource(kind: &Kind, n: usize, dice: &mut Dice) -> Fact {
    let id = format!("{n:08x}-0000-4000-8000-000000000000");
    let resource = Resource {
        key: ResourceKey::build("openstack", kind, &["RegionOne", &id]),
        kind: kind.clone(),
        region: Some(Arc::from("RegionOne")),
        project: Some(Arc::from("0123456789abcdef0123456789abcdef")),
        name: Some(Arc::from(format!("r-{n}"))),
        body: Arc::from(body(kind.as_str(), n, dice)),
        source: Arc::from("openstack/bench"),
        read_at: Timestamp::UNIX_EPOCH,
    };
    Fact { resource, unseen_since: None }
}

fn made_up(total: usize) -> anyhow::Result<Cloud> {
    let mut dice = Dice(7);
    let mut kinds = BTreeMap::new();
    let mut coverage = Vec::new();
    for (kind, percent) in SHARES {
        let kind = Kind::new(kind)?;
        let count = total * percent / 100;
        let facts = (0..count).map(|n| resource(&kind, n, &mut dice));
        kinds.insert(kind.clone(), facts.map(|f| (f.resource.key.clone(), f)).collect());
        coverage.push(KindCoverage {
            source: Arc::from("openstack/bench"),
            region: Some(Arc::from("RegionOne")),
            kind,
            status: Status::Complete { count: count as u64 },
            visibility: Visibility::All,
            read_from: Timestamp::UNIX_EPOCH,
            read_until: Timestamp::UNIX_EPOCH,
        });
    }
    let id = SnapshotId { subject: Subject::new("bench")?, seq: 1 };
    let meta = SnapshotMeta { id, taken_at: Timestamp::UNIX_EPOCH, coverage };
    Ok(Cloud { meta, kinds, changes: Vec::new() })
}

/// Changes every hundredth resource.
fn change(cloud: &mut Cloud) {
    let mut dice = Dice(11);
    cloud.meta.id.seq += 1;
    for (kind, facts) in &mut cloud.kinds {
        for (n, (key, fact)) in facts.iter_mut().enumerate().filter(|(n, _)| n % 100 == 0) {
            *fact = resource(kind, n, &mut dice);
            cloud.changes.push(Change { key: key.clone(), kind: kind.clone(), op: ChangeOp::Put });
        }
    }
    cloud.changes.sort();
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/rules");
    let set = RuleSet::compile(vec![Bundle::from_path(&folder)?], &Parameters::default())?;
    let rules = set.rules().count();
    let time = Timestamp::UNIX_EPOCH;
    for resources in [10_000, 50_000, 100_000] {
        let mut cloud = made_up(resources)?;
        let (parse, _) = measure(|| Ok(parse_only(&set, &cloud)?))?;
        let (total, judged) = measure(|| Ok(evaluate(&set, &cloud, &Options::fresh(time))?))?;
        let (eval, bound) = (total - parse, resources as f64 / 100_000.0);
        let findings: usize = judged.evaluation.rules.values().map(|o| o.findings.len()).sum();
        println!(
            "{{\"bench\":\"evaluate\",\"resources\":{resources},\"rules\":{rules},\"findings\":{findings},\"parse_cpu_s\":{parse:.3},\"eval_cpu_s\":{eval:.3},\"bound_s\":{bound:.1},\"ratio\":{:.3}}}",
            eval / bound
        );
        change(&mut cloud);
        let (fresh, _) = measure(|| Ok(evaluate(&set, &cloud, &Options::fresh(time))?))?;
        let options = Options { prior: Some(&judged.carry), ..Options::fresh(time) };
        let (carried, next) = measure(|| Ok(evaluate(&set, &cloud, &options)?))?;
        anyhow::ensure!(next.stats.carried, "the prior blob must fit");
        println!(
            "{{\"bench\":\"carry\",\"resources\":{resources},\"changed\":{},\"blob_bytes\":{},\"fresh_cpu_s\":{fresh:.3},\"carried_cpu_s\":{carried:.4},\"bound\":0.05,\"ratio\":{:.3}}}",
            cloud.changes.len(),
            judged.carry.len(),
            carried / fresh
        );
    }
    Ok(())
}
