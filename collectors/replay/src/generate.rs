//! Makes clouds of any size, the same ones every time.
//!
//! Everything follows from the seed, so that two runs, or two machines, bench
//! the same bytes. The second night differs from the first in the fraction of
//! resources asked for: of these nine in ten changed and one in ten is gone, with
//! a new one in its place.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::recording::{Account, Recording};

/// How large a cloud to make.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// About how many resources in all.
    pub resources: usize,
    /// Which night it is, from 1.
    pub night: u32,
    /// What part of the resources differs from the night before, 0 to 1.
    pub changed: f64,
}

impl Size {
    /// A cloud with about this many servers: a hundred resources for forty of
    /// them.
    #[must_use]
    pub fn servers(servers: usize) -> Self {
        Self { resources: servers.saturating_mul(5) / 2, night: 1, changed: 0.01 }
    }

    /// A cloud with about this many resources.
    #[must_use]
    pub fn resources(resources: usize) -> Self {
        Self { resources, night: 1, changed: 0.01 }
    }
}

/// Makes a cloud of one region with servers, ports, volumes and security groups
/// in the proportions of real ones (40, 40, 15 and 5 of a hundred), and projects,
/// users, flavors, images and hypervisors to go with them. Sign in as `admin`
/// with `secret` for project `admin`.
#[must_use]
pub fn generate(seed: u64, size: Size) -> Recording {
    let admin = Account {
        user: "admin".to_owned(),
        password: "secret".to_owned(),
        project: Some("admin".to_owned()),
        roles: vec!["admin".to_owned(), "member".to_owned(), "reader".to_owned()],
        application_credential: None,
    };
    let mut cloud = Recording::new(&["RegionOne"], vec![admin]);
    for (service, newest) in [("compute", "2.96"), ("block-storage", "3.71"), ("placement", "1.39")]
    {
        cloud.microversions.insert(service.to_owned(), newest.to_owned());
    }
    let of = |percent: usize| (size.resources * percent / 100).max(1);
    let maker = Maker {
        seed,
        night: size.night,
        changed: size.changed,
        projects: (size.resources / 500).clamp(3, 100),
        hypervisors: (size.resources / 100).clamp(3, 100),
        servers: of(40),
    };
    cloud.list("compute", "servers/detail", "servers", maker.many(b's', of(40), &Maker::server));
    cloud.list("network", "ports", "ports", maker.many(b'p', of(40), &Maker::port));
    cloud.list(
        "block-storage",
        "volumes/detail",
        "volumes",
        maker.many(b'v', of(15), &Maker::volume),
    );
    cloud.list(
        "network",
        "security-groups",
        "security_groups",
        maker.many(b'g', of(1), &Maker::group),
    );
    cloud.list(
        "network",
        "security-group-rules",
        "security_group_rules",
        maker.many(b'r', of(4), &Maker::rule),
    );
    maker.frame(&mut cloud);
    cloud
}

struct Maker {
    seed: u64,
    night: u32,
    changed: f64,
    projects: usize,
    hypervisors: usize,
    servers: usize,
}

/// What is special about one item on this night.
#[derive(Clone, Copy)]
struct Version {
    /// Grows each night that the item changes.
    changes: u64,
    /// Grows each night that it is replaced by a new one.
    life: u64,
}

impl Maker {
    /// SplitMix64 over what the number is for.
    fn number(&self, kind: u8, at: usize, salt: u64) -> u64 {
        let mut z = self
            .seed
            .wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_add(u64::from(kind) << 56)
            .wrapping_add(salt.wrapping_mul(0xd1b5_4a32_d192_ed03));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn version(&self, kind: u8, at: usize) -> Version {
        let mut version = Version { changes: 0, life: 0 };
        for night in 2..=self.night {
            let draw = self.number(kind, at, 1000 + u64::from(night));
            let part = (draw >> 11) as f64 / (1_u64 << 53) as f64;
            if part < self.changed / 10.0 {
                version.life += 1;
            } else if part < self.changed {
                version.changes += 1;
            }
        }
        version
    }

    fn uuid(&self, kind: u8, at: usize, life: u64) -> String {
        let (a, b) = (self.number(kind, at, 2 * life), self.number(kind, at, 2 * life + 1));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }

    /// The id that an item has tonight.
    fn id(&self, kind: u8, at: usize) -> String {
        self.uuid(kind, at, self.version(kind, at).life)
    }

    fn many(
        &self,
        kind: u8,
        count: usize,
        make: &dyn Fn(&Self, usize, Version) -> Value,
    ) -> Vec<Bytes> {
        (0..count)
            .map(|at| Bytes::from(make(self, at, self.version(kind, at)).to_string()))
            .collect()
    }

    fn project(&self, kind: u8, at: usize) -> String {
        let n = self.number(kind, at, 77) as usize % self.projects;
        self.uuid(b'P', n, 0).replace('-', "")
    }

    fn host(&self, at: usize) -> String {
        format!("compute-{:03}", self.number(b'h', at, 5) as usize % self.hypervisors)
    }

    fn address(&self, at: usize) -> String {
        format!("10.{}.{}.{}", (at >> 16) & 0xff, (at >> 8) & 0xff, at & 0xff)
    }

    fn mac(&self, at: usize) -> String {
        format!("fa:16:3e:{:02x}:{:02x}:{:02x}", (at >> 16) & 0xff, (at >> 8) & 0xff, at & 0xff)
    }

    fn server(&self, at: usize, version: Version) -> Value {
        let id = self.uuid(b's', at, version.life);
        let host = self.host(at);
        json!({
            "accessIPv4": "", "accessIPv6": "",
            "addresses": {format!("net-{}", self.number(b's', at, 9) % 40): [{
                "version": 4, "addr": self.address(at), "OS-EXT-IPS:type": "fixed",
                "OS-EXT-IPS-MAC:mac_addr": self.mac(at)}]},
            "created": "2026-11-20T07:47:33Z",
            "flavor": {"vcpus": 2, "ram": 8192, "disk": 20, "ephemeral": 0, "swap": 0,
                "original_name": "SCS-2V-8-20s", "extra_specs": {"hw_rng:allowed": "true",
                "scs:cpu-type": "shared-core", "scs:disk0-type": "ssd",
                "scs:name-v1": "SCS-2V:8:20s", "scs:name-v2": "SCS-2V-8-20s"}},
            "hostId": format!("{:056x}", self.number(b'h', at, 6)),
            "id": id,
            "image": {"id": self.uuid(b'i', at % 8, 0), "links": [{"rel": "bookmark",
                "href": format!("http://127.0.0.1:8774/images/{}", self.uuid(b'i', at % 8, 0))}],
                "properties": {"architecture": "x86_64", "os_distro": "ubuntu",
                "os_version": "24.04", "hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi"}},
            "key_name": "key-ops",
            "links": [{"rel": "self", "href": format!("http://127.0.0.1:8774/v2.1/servers/{id}")},
                {"rel": "bookmark", "href": format!("http://127.0.0.1:8774/servers/{id}")}],
            "metadata": {"owner": format!("team-{}", at % 20), "revision": version.changes.to_string()},
            "name": format!("server-{at:06}"),
            "config_drive": "", "locked": false, "locked_reason": null,
            "description": format!("server {at} of the generated cloud"),
            "tags": ["generated"], "trusted_image_certificates": null, "server_groups": [],
            "host_status": "UP", "scheduler_hints": {}, "pinned_availability_zone": null,
            "OS-DCF:diskConfig": "MANUAL",
            "OS-EXT-AZ:availability_zone": format!("az-{}", at % 3),
            "OS-EXT-SRV-ATTR:host": host, "OS-EXT-SRV-ATTR:hostname": format!("server-{at:06}"),
            "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
            "OS-EXT-SRV-ATTR:instance_name": format!("instance-{at:08x}"),
            "OS-EXT-SRV-ATTR:kernel_id": "", "OS-EXT-SRV-ATTR:ramdisk_id": "",
            "OS-EXT-SRV-ATTR:launch_index": 0,
            "OS-EXT-SRV-ATTR:reservation_id": format!("r-{:08x}", self.number(b's', at, 8) as u32),
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/sda",
            "OS-EXT-SRV-ATTR:user_data": null,
            "OS-EXT-STS:power_state": 1, "OS-EXT-STS:task_state": null, "OS-EXT-STS:vm_state": "active",
            "OS-SRV-USG:launched_at": "2026-11-20T07:47:40.000000", "OS-SRV-USG:terminated_at": null,
            "os-extended-volumes:volumes_attached": [], "progress": 0,
            "security_groups": [{"name": "default"}],
            "status": "ACTIVE", "tenant_id": self.project(b's', at),
            "updated": format!("2026-11-{:02}T07:47:41Z", 20 + version.changes % 9),
            "user_id": self.uuid(b'U', at % 50, 0).replace('-', ""),
        })
    }

    fn port(&self, at: usize, version: Version) -> Value {
        let project = self.project(b's', at);
        json!({
            "id": self.uuid(b'p', at, version.life), "name": "",
            "network_id": self.uuid(b'n', at % 40, 0), "project_id": project, "tenant_id": project,
            "mac_address": self.mac(at), "admin_state_up": true, "status": "ACTIVE",
            "device_id": self.id(b's', at % self.servers), "device_owner": format!("compute:az-{}", at % 3),
            "fixed_ips": [{"subnet_id": self.uuid(b'u', at % 40, 0), "ip_address": self.address(at)}],
            "allowed_address_pairs": [], "extra_dhcp_opts": [],
            "security_groups": [self.id(b'g', self.number(b'p', at, 3) as usize % 20)],
            "description": format!("revision {}", version.changes),
            "binding:vnic_type": "normal", "binding:profile": {}, "binding:host_id": self.host(at),
            "binding:vif_type": "ovs", "binding:vif_details": {"connectivity": "l2",
                "port_filter": true, "ovs_hybrid_plug": false, "ovs_create_tap": true,
                "datapath_type": "system", "bridge_name": "br-int", "bound_drivers": {"0": "openvswitch"}},
            "port_security_enabled": true, "qos_policy_id": null, "qos_network_policy_id": null,
            "resource_request": null, "ip_allocation": "immediate", "propagate_uplink_status": true,
            "dns_name": format!("server-{at:06}"), "dns_domain": "", "dns_assignment": [{
                "ip_address": self.address(at), "hostname": format!("server-{at:06}"),
                "fqdn": format!("server-{at:06}.openstacklocal.")}],
            "tags": [], "created_at": "2026-11-20T07:47:33Z", "updated_at": "2026-11-20T07:47:35Z",
            "revision_number": 4 + version.changes,
        })
    }

    fn volume(&self, at: usize, version: Version) -> Value {
        let id = self.uuid(b'v', at, version.life);
        let server = self.id(b's', at % self.servers);
        json!({
            "id": id, "status": "in-use", "size": 20 + at % 80, "availability_zone": "nova",
            "created_at": "2026-11-20T07:47:43.000000", "updated_at": "2026-11-20T07:47:44.000000",
            "name": format!("volume-{at:06}"), "description": format!("revision {}", version.changes),
            "volume_type": "ssd", "snapshot_id": null, "source_volid": null,
            "metadata": {"purpose": "data"},
            "links": [{"rel": "self", "href": format!("http://127.0.0.1:8776/v3/volumes/{id}")},
                {"rel": "bookmark", "href": format!("http://127.0.0.1:8776/volumes/{id}")}],
            "user_id": self.uuid(b'U', at % 50, 0).replace('-', ""), "bootable": "false",
            "encrypted": false, "replication_status": null, "consistencygroup_id": null,
            "multiattach": false, "attachments": [{"id": id, "attachment_id": self.uuid(b'a', at, 0),
                "volume_id": id, "server_id": server, "host_name": self.host(at),
                "device": "/dev/sdb", "attached_at": "2026-11-20T07:47:44.000000"}],
            "migration_status": null, "group_id": null, "provider_id": null, "shared_targets": false,
            "service_uuid": self.uuid(b'c', 0, 0), "cluster_name": null,
            "volume_type_id": self.uuid(b't', 0, 0), "consumes_quota": true,
            "os-vol-tenant-attr:tenant_id": self.project(b's', at),
            "os-vol-mig-status-attr:migstat": null, "os-vol-mig-status-attr:name_id": null,
            "os-vol-host-attr:host": "storage-01@ceph-ssd#ceph-ssd",
        })
    }

    fn group(&self, at: usize, version: Version) -> Value {
        let project = self.project(b'g', at);
        json!({"id": self.uuid(b'g', at, version.life), "name": format!("group-{at}"),
            "stateful": true, "project_id": project, "tenant_id": project, "shared": false,
            "description": format!("revision {}", version.changes), "tags": [],
            "created_at": "2026-11-20T07:47:33Z", "updated_at": "2026-11-20T07:47:33Z",
            "revision_number": 1 + version.changes, "security_group_rules": []})
    }

    fn rule(&self, at: usize, version: Version) -> Value {
        let project = self.project(b'r', at);
        let open = at.is_multiple_of(97);
        json!({"id": self.uuid(b'r', at, version.life), "project_id": project, "tenant_id": project,
            "security_group_id": self.id(b'g', at % 20), "ethertype": "IPv4", "direction": "ingress",
            "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
            "remote_ip_prefix": if open { "0.0.0.0/0" } else { "10.0.0.0/8" },
            "remote_address_group_id": null, "normalized_cidr": null, "remote_group_id": null,
            "standard_attr_id": at, "description": format!("revision {}", version.changes),
            "belongs_to_default_sg": false, "tags": [], "created_at": "2026-11-20T07:47:33Z",
            "updated_at": "2026-11-20T07:47:33Z", "revision_number": version.changes})
    }

    /// Projects, users, flavors, images, hosts: what the rest hangs on.
    fn frame(&self, cloud: &mut Recording) {
        let bytes = |v: Value| Bytes::from(v.to_string());
        let list = |count: usize, make: &dyn Fn(usize) -> Value| -> Vec<Bytes> {
            (0..count).map(|n| bytes(make(n))).collect()
        };
        let hex = |kind: u8, n: usize| self.uuid(kind, n, 0).replace('-', "");
        cloud.list("identity", "projects", "projects", list(self.projects, &|n| {
            json!({"id": hex(b'P', n), "name": format!("project-{n}"), "domain_id": "default",
                "description": "", "enabled": true, "parent_id": "default", "is_domain": false, "tags": [], "options": {}})
        }));
        cloud.list(
            "identity",
            "users",
            "users",
            list(50.min(self.projects), &|n| {
                json!({"id": hex(b'U', n), "name": format!("user-{n}"), "domain_id": "default",
                "enabled": true, "password_expires_at": null, "options": {}})
            }),
        );
        cloud.list("identity", "domains", "domains", list(1, &|_| {
            json!({"id": "default", "name": "Default", "enabled": true, "description": "", "options": {}, "tags": []})
        }));
        cloud.list("identity", "roles", "roles", list(3, &|n| {
            let name = ["admin", "member", "reader"].get(n).copied().unwrap_or_default();
            json!({"id": format!("role-{name}"), "name": name, "domain_id": null, "description": null, "options": {}})
        }));
        cloud.list("identity", "role_assignments", "role_assignments", list(50.min(self.projects), &|n| {
            json!({"scope": {"project": {"id": hex(b'P', n)}}, "user": {"id": hex(b'U', n)}, "role": {"id": "role-member"}})
        }));
        let sizes = [
            (1, 2),
            (1, 4),
            (1, 8),
            (2, 4),
            (2, 8),
            (2, 16),
            (4, 8),
            (4, 16),
            (4, 32),
            (8, 16),
            (8, 32),
            (16, 32),
        ];
        cloud.list("compute", "flavors/detail", "flavors", list(sizes.len(), &|n| {
            let (cpus, ram) = sizes.get(n).copied().unwrap_or((1, 1));
            let name = format!("SCS-{cpus}V-{ram}");
            json!({"id": self.uuid(b'f', n, 0), "name": name, "vcpus": cpus, "ram": ram * 1024,
                "disk": 0, "swap": 0, "OS-FLV-EXT-DATA:ephemeral": 0, "OS-FLV-DISABLED:disabled": false,
                "os-flavor-access:is_public": true, "rxtx_factor": 1.0, "description": null,
                "extra_specs": {"scs:cpu-type": "shared-core", "scs:name-v1": format!("SCS-{cpus}V:{ram}"), "scs:name-v2": name}})
        }));
        cloud.list("compute", "os-hypervisors/detail", "hypervisors", list(self.hypervisors, &|n| {
            json!({"id": self.uuid(b'H', n, 0), "hypervisor_hostname": format!("compute-{n:03}"),
                "state": "up", "status": "enabled", "hypervisor_type": "QEMU", "hypervisor_version": 8_002_002,
                "host_ip": "127.0.0.1", "service": {"id": self.uuid(b'S', n, 0), "host": format!("compute-{n:03}"), "disabled_reason": null},
                "uptime": " 10:00:00 up 42 days,  3:14,  0 users,  load average: 0.50, 0.40, 0.30"})
        }));
        cloud.list("image", "images", "images", list(8, &|n| {
            json!({"id": self.uuid(b'i', n, 0), "name": format!("Ubuntu 24.04 {n}"), "visibility": "public",
                "os_hidden": false, "owner": hex(b'P', 0), "status": "active", "min_disk": 8, "min_ram": 512,
                "size": 642_000_000, "created_at": "2026-11-01T09:00:00Z", "updated_at": "2026-11-01T09:05:00Z",
                "architecture": "x86_64", "os_distro": "ubuntu", "os_version": "24.04", "tags": [], "protected": false,
                "replace_frequency": "monthly", "provided_until": "notice", "image_build_date": "2026-11-01"})
        }));
        for query in ["visibility=community", "os_hidden=true"] {
            cloud.list("image", &format!("images?{query}"), "images", Vec::new());
        }
        cloud.list("block-storage", "types", "volume_types", list(1, &|_| {
            json!({"id": self.uuid(b't', 0, 0), "name": "ssd", "is_public": true, "description": "",
                "extra_specs": {}, "qos_specs_id": null, "os-volume-type-access:is_public": true})
        }));
        cloud.list("network", "networks", "networks", list(40, &|n| {
            json!({"id": self.uuid(b'n', n, 0), "name": format!("net-{n}"), "project_id": hex(b'P', n % self.projects),
                "admin_state_up": true, "status": "ACTIVE", "subnets": [self.uuid(b'u', n, 0)], "shared": false,
                "router:external": false, "mtu": 1450, "port_security_enabled": true, "tags": [], "revision_number": 2})
        }));
        cloud.list("network", "subnets", "subnets", list(40, &|n| {
            json!({"id": self.uuid(b'u', n, 0), "name": format!("subnet-{n}"), "project_id": hex(b'P', n % self.projects),
                "network_id": self.uuid(b'n', n, 0), "ip_version": 4, "cidr": format!("10.{n}.0.0/16"),
                "gateway_ip": format!("10.{n}.0.1"), "enable_dhcp": true, "tags": [], "revision_number": 0})
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(cloud: &Recording) -> Vec<String> {
        let one = |e: &crate::recording::Entry| match &e.body {
            crate::recording::Body::List { items, .. } => {
                items.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect()
            }
            crate::recording::Body::Whole(_) => Vec::new(),
        };
        cloud.entries.iter().flat_map(one).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_cloud_and_another_another() {
        let size = Size::resources(1000);
        assert_eq!(bytes_of(&generate(7, size)), bytes_of(&generate(7, size)));
        assert_ne!(bytes_of(&generate(7, size)), bytes_of(&generate(8, size)));
    }

    #[test]
    fn the_second_night_differs_by_about_what_was_asked() {
        let size = Size { changed: 0.02, ..Size::resources(5_000) };
        let one = bytes_of(&generate(7, size));
        let two = bytes_of(&generate(7, Size { night: 2, ..size }));
        let differ = one.iter().zip(&two).filter(|(a, b)| a != b).count();
        // Ports and rules that name a replaced server or group change with it.
        assert!((70..230).contains(&differ), "{differ} of {}", one.len());
    }
}
