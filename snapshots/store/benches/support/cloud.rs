//! A cloud that changes a little every night, the same for the same size.
//!
//! A quarter servers, 35 % ports, a fifth security groups and a fifth volumes,
//! with bodies as OpenStack gives them, 1,670 bytes on average. Each night 1 % change,
//! 0.2 % come and 0.2 % go.

use std::sync::Arc;

use tidegate_model::{
    Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_store::{Begin, Store};

use super::{mix, now, salts, thread_cpu, uuid};

pub(crate) const KINDS: [(&str, u64); 4] = [
    ("compute.server", 25),
    ("network.port", 35),
    ("network.security_group", 20),
    ("block-storage.volume", 20),
];
const SERVERS: usize = 0;
const DAY: i64 = 86_400;

pub(crate) struct Cloud {
    /// By kind: id and version of each resource.
    pub(crate) there: Vec<Vec<(u64, u64)>>,
    next: u64,
    dice: u64,
    size: u64,
}

impl Cloud {
    pub(crate) fn new(size: u64) -> Self {
        let mut cloud = Self { there: Vec::new(), next: 0, dice: 20_260_101, size };
        for (_, share) in KINDS {
            let count = size * share / 100;
            cloud.there.push((cloud.next..cloud.next + count).map(|id| (id, 0)).collect());
            cloud.next += count;
        }
        cloud
    }

    fn roll(&mut self, below: usize) -> usize {
        self.dice = mix(self.dice);
        usize::try_from(self.dice % below as u64).unwrap()
    }

    pub(crate) fn pass_night(&mut self) {
        for kind in 0..self.there.len() {
            let count = self.there[kind].len();
            for _ in 0..count / 100 {
                let at = self.roll(count);
                self.there[kind][at].1 += 1;
            }
            for _ in 0..count / 500 {
                let at = self.roll(self.there[kind].len());
                self.there[kind].swap_remove(at);
                let id = self.next;
                self.there[kind].push((id, 0));
                self.next += 1;
            }
        }
    }

    /// The server that a port or a volume belonged to first; it may be gone.
    fn server_of(&self, id: u64) -> u64 {
        mix(id) % (self.size * KINDS[SERVERS].1 / 100).max(1)
    }

    pub(crate) fn body(&self, kind: usize, id: u64, version: u64) -> String {
        let body = Body {
            id,
            version,
            own: mix(id + 7),
            now: mix(id ^ (version << 40)),
            server: uuid(self.server_of(id) << 8),
        };
        match kind {
            SERVERS => body.server(),
            1 => body.port(),
            2 => body.security_group(),
            _ => body.volume(),
        }
    }

    fn resource(&self, kind: usize, name: &Kind, id: u64, version: u64) -> Resource {
        Resource {
            key: ResourceKey::build("openstack", name, &["RegionOne", &uuid(id << 8)]),
            kind: name.clone(),
            region: Some("RegionOne".into()),
            project: Some(project(id).into()),
            name: Some(format!("thing-{id}").into()),
            body: self.body(kind, id, version).into(),
            source: Arc::from("openstack/bench"),
            read_at: taken(1 + version),
        }
    }
}

fn project(id: u64) -> String {
    uuid(mix(id) % 97 + (1 << 48))
}

/// What the bodies of one resource are made of.
struct Body {
    id: u64,
    version: u64,
    /// Random, the same in all its versions.
    own: u64,
    /// Random, of this version.
    now: u64,
    server: String,
}

impl Body {
    fn own_id(&self, n: u64) -> String {
        uuid((self.id << 8) | n)
    }

    fn shared(&self, n: u64, of: u64) -> String {
        uuid(mix(self.id ^ (n << 56)) % of + (n << 48))
    }

    fn status(&self) -> &'static str {
        ["ACTIVE", "ACTIVE", "ACTIVE", "ERROR"][(self.now % 4) as usize]
    }

    fn created(&self) -> String {
        let a = self.own;
        format!("2025-{:02}-{:02}T{:02}:{:02}:07Z", a % 12 + 1, a % 28 + 1, a % 24, a >> 8 & 31)
    }

    fn updated(&self) -> String {
        let b = self.now;
        format!("2026-{:02}-{:02}T{:02}:{:02}:07Z", b % 12 + 1, b % 28 + 1, b % 24, b >> 8 & 31)
    }

    fn address(&self) -> String {
        let [a, b, c, ..] = self.own.to_le_bytes();
        format!("10.{a}.{b}.{c}")
    }

    fn mac(&self) -> String {
        let [.., a, b, c] = self.own.to_le_bytes();
        format!("fa:16:3e:{a:02x}:{b:02x}:{c:02x}")
    }

    fn server(&self) -> String {
        format!(
            r#"{{"OS-DCF:diskConfig":"AUTO","OS-EXT-AZ:availability_zone":"nova-{az}","OS-EXT-SRV-ATTR:host":"compute-{host:03}.prod1.example.org","OS-EXT-SRV-ATTR:hostname":"thing-{id}","OS-EXT-SRV-ATTR:hypervisor_hostname":"compute-{host:03}.prod1.example.org","OS-EXT-SRV-ATTR:instance_name":"instance-{id:08x}","OS-EXT-SRV-ATTR:launch_index":0,"OS-EXT-SRV-ATTR:reservation_id":"r-{reservation:08x}","OS-EXT-SRV-ATTR:root_device_name":"/dev/vda","OS-EXT-SRV-ATTR:user_data":null,"OS-EXT-STS:power_state":1,"OS-EXT-STS:task_state":null,"OS-EXT-STS:vm_state":"active","OS-SRV-USG:launched_at":"{created}","OS-SRV-USG:terminated_at":null,"accessIPv4":"","accessIPv6":"","addresses":{{"tenant":[{{"OS-EXT-IPS-MAC:mac_addr":"{mac}","OS-EXT-IPS:type":"fixed","addr":"{address}","version":4}}]}},"config_drive":"","created":"{created}","description":null,"flavor":{{"disk":40,"ephemeral":0,"extra_specs":{{"scs:cpu-type":"shared-core","scs:name-v1":"SCS-4V:16","scs:name-v2":"SCS-4V-16"}},"original_name":"SCS-4V-16","ram":16384,"swap":0,"vcpus":4}},"hostId":"{host_id}","host_status":"UP","id":"{me}","image":{{"id":"{image}"}},"key_name":"team-{team}","locked":false,"locked_reason":null,"metadata":{{"owner":"team-{team}","stage":"{stage}"}},"name":"thing-{id}","os-extended-volumes:volumes_attached":[{{"delete_on_termination":false,"id":"{volume}"}}],"security_groups":[{{"name":"default"}},{{"name":"web-{team}"}}],"server_groups":[],"status":"{status}","tags":[],"tenant_id":"{project}","trusted_image_certificates":null,"updated":"{updated}","user_id":"{user}","version":{version}}}"#,
            az = self.id % 3,
            host = self.now % 120,
            id = self.id,
            reservation = self.own >> 32,
            created = self.created(),
            mac = self.mac(),
            address = self.address(),
            host_id = uuid((self.now % 120) ^ (self.id % 97)).replace('-', ""),
            me = self.own_id(0),
            image = self.shared(2, 40),
            team = self.id % 41,
            stage = ["prod", "test", "dev"][(self.id % 3) as usize],
            volume = self.own_id(1),
            status = self.status(),
            project = project(self.id),
            updated = self.updated(),
            user = self.shared(3, 300),
            version = self.version,
        )
    }

    fn port(&self) -> String {
        format!(
            r#"{{"admin_state_up":true,"allowed_address_pairs":[],"binding:host_id":"compute-{host:03}.prod1.example.org","binding:profile":{{}},"binding:vif_details":{{"bound_drivers":{{"0":"ovn"}},"bridge_name":"br-int","connectivity":"l2","datapath_type":"system","port_filter":true}},"binding:vif_type":"ovs","binding:vnic_type":"normal","created_at":"{created}","data_plane_status":null,"description":"","device_id":"{device}","device_owner":"compute:nova-{az}","device_profile":null,"dns_assignment":[{{"fqdn":"thing-{id}.cloud.example.org.","hostname":"thing-{id}","ip_address":"{address}"}}],"dns_domain":"","dns_name":"thing-{id}","extra_dhcp_opts":[],"fixed_ips":[{{"ip_address":"{address}","subnet_id":"{subnet}"}}],"hardware_offload_type":null,"hints":{{}},"id":"{me}","ip_allocation":"immediate","mac_address":"{mac}","name":"thing-{id}","network_id":"{network}","numa_affinity_policy":null,"port_security_enabled":true,"project_id":"{project}","propagate_uplink_status":null,"qos_network_policy_id":null,"qos_policy_id":null,"resource_request":null,"revision_number":{version},"security_groups":["{group}","{other}"],"status":"{status}","tags":[],"tenant_id":"{project}","trunk_details":null,"updated_at":"{updated}"}}"#,
            host = self.now % 120,
            created = self.created(),
            device = self.server,
            az = self.id % 3,
            id = self.id,
            address = self.address(),
            subnet = self.shared(4, 130),
            me = self.own_id(0),
            mac = self.mac(),
            network = self.shared(5, 130),
            project = project(self.id),
            version = self.version,
            group = self.shared(6, 800),
            other = self.shared(7, 97),
            status = self.status(),
            updated = self.updated(),
        )
    }

    fn security_group(&self) -> String {
        let rules: Vec<String> = (0..2 + self.id % 4)
            .map(|n| {
                format!(
                    r#"{{"created_at":"{created}","description":"","direction":"ingress","ethertype":"IPv4","id":"{rule}","normalized_cidr":"10.{net}.0.0/16","port_range_max":{port},"port_range_min":{port},"project_id":"{project}","protocol":"tcp","remote_address_group_id":null,"remote_group_id":null,"remote_ip_prefix":"10.{net}.0.0/16","revision_number":0,"security_group_id":"{me}","standard_attr_id":{number},"tags":[],"tenant_id":"{project}"}}"#,
                    created = self.created(),
                    rule = self.own_id(n + 16),
                    net = (self.now + n) % 250,
                    port = [22, 80, 443, 8080, 9100][((self.id + n) % 5) as usize],
                    project = project(self.id),
                    me = self.own_id(0),
                    number = self.id * 8 + n,
                )
            })
            .collect();
        format!(
            r#"{{"created_at":"{created}","description":"of team-{team}","id":"{me}","name":"thing-{id}","project_id":"{project}","revision_number":{version},"security_group_rules":[{rules}],"shared":false,"stateful":true,"tags":[],"tenant_id":"{project}","updated_at":"{updated}"}}"#,
            created = self.created(),
            team = self.id % 41,
            me = self.own_id(0),
            id = self.id,
            project = project(self.id),
            version = self.version,
            rules = rules.join(","),
            updated = self.updated(),
        )
    }

    fn volume(&self) -> String {
        format!(
            r#"{{"attachments":[{{"attached_at":"{created}","attachment_id":"{attachment}","device":"/dev/vdb","host_name":"compute-{host:03}.prod1.example.org","id":"{me}","server_id":"{server}","volume_id":"{me}"}}],"availability_zone":"nova-{az}","bootable":"true","cluster_name":null,"consistencygroup_id":null,"consumes_quota":true,"created_at":"{created}","description":null,"encrypted":true,"encryption_key_id":"{key}","group_id":null,"id":"{me}","metadata":{{"owner":"team-{team}"}},"migration_status":null,"multiattach":false,"name":"thing-{id}","os-vol-host-attr:host":"ceph-{az}@rbd-1#rbd-1","os-vol-mig-status-attr:migstat":null,"os-vol-mig-status-attr:name_id":null,"os-vol-tenant-attr:tenant_id":"{project}","provider_id":null,"replication_status":null,"service_uuid":"{service}","shared_targets":false,"size":{size},"snapshot_id":null,"source_volid":null,"status":"{status}","updated_at":"{updated}","user_id":"{user}","volume_image_metadata":{{"architecture":"x86_64","base_image_ref":"{image}","checksum":"{sum}","container_format":"bare","disk_format":"raw","hw_disk_bus":"scsi","image_id":"{image}","image_name":"Ubuntu 24.04","image_original_user":"ubuntu","min_disk":"8","min_ram":"512","os_distro":"ubuntu","os_version":"24.04","size":"2361393152"}},"volume_type":"encrypted-{az}","volume_type_id":"{type_id}"}}"#,
            created = self.created(),
            attachment = self.own_id(1),
            host = self.now % 120,
            me = self.own_id(0),
            server = self.server,
            az = self.id % 3,
            key = self.own_id(2),
            team = self.id % 41,
            id = self.id,
            project = project(self.id),
            service = self.shared(4, 6),
            size = 10 + self.now % 40 * 10,
            status = ["in-use", "in-use", "available", "error"][(self.now % 4) as usize],
            updated = self.updated(),
            user = self.shared(3, 300),
            image = self.shared(2, 40),
            sum = self.shared(5, 40).replace('-', ""),
            type_id = uuid(self.id % 3),
        )
    }
}

/// 02:00 of the days of 2026, from 1.
pub(crate) fn taken(night: u64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + 7200 + (night.cast_signed() - 1) * DAY).unwrap()
}

/// Collects one night; gives CPU seconds of making the resources, and raw bytes.
pub(crate) fn night(store: &Store, subject: &Subject, cloud: &Cloud, night: u64) -> (f64, u64) {
    let begin = Begin { taken_at: taken(night), tool_version: "bench".into(), salts: salts(night) };
    let mut writer = now(store.begin(subject, begin)).unwrap();
    let (mut making, mut bytes) = (0.0, 0);
    for (kind, there) in cloud.there.iter().enumerate() {
        let name = Kind::new(KINDS[kind].0).unwrap();
        for page in there.chunks(500) {
            let start = thread_cpu();
            let page: Vec<_> = page
                .iter()
                .map(|&(id, version)| cloud.resource(kind, &name, id, version))
                .collect();
            bytes += page.iter().map(|r| r.body.len() as u64).sum::<u64>();
            making += thread_cpu() - start;
            writer.put(page).unwrap();
        }
        writer.cover(KindCoverage {
            source: "openstack/bench".into(),
            region: Some("RegionOne".into()),
            kind: name,
            status: Status::Complete { count: there.len() as u64 },
            visibility: Visibility::All,
            read_from: taken(night),
            read_until: taken(night),
        });
    }
    now(writer.commit()).unwrap();
    (making, bytes)
}
