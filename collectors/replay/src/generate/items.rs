//! What there is most of: servers, ports, volumes, security groups and their rules.

use serde_json::{Value, json};

use super::{Maker, Version};

impl Maker {
    pub(super) fn server(&self, at: usize, version: Version) -> Value {
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
            "config_drive": if at.is_multiple_of(10) { "" } else { "True" }, "locked": false, "locked_reason": null,
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
            "user_id": self.uuid(b'U', at % self.users, 0).replace('-', ""),
        })
    }

    pub(super) fn port(&self, at: usize, version: Version) -> Value {
        let project = self.project(b's', at);
        json!({
            "id": self.uuid(b'p', at, version.life), "name": "",
            "network_id": self.uuid(b'n', at % 40, 0), "project_id": project, "tenant_id": project,
            "mac_address": self.mac(at), "admin_state_up": true, "status": "ACTIVE",
            "device_id": self.id(b's', at % self.servers), "device_owner": format!("compute:az-{}", at % 3),
            "fixed_ips": [{"subnet_id": self.uuid(b'u', at % 40, 0), "ip_address": self.address(at)}],
            "allowed_address_pairs": [], "extra_dhcp_opts": [],
            "security_groups": [self.id(b'g', self.number(b'p', at, 3) as usize % self.groups)],
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

    pub(super) fn volume(&self, at: usize, version: Version) -> Value {
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
            "user_id": self.uuid(b'U', at % self.users, 0).replace('-', ""), "bootable": "false",
            "encrypted": !at.is_multiple_of(10), "replication_status": null, "consistencygroup_id": null,
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

    pub(super) fn group(&self, at: usize, version: Version) -> Value {
        let project = self.project(b'g', at);
        json!({"id": self.uuid(b'g', at, version.life), "name": format!("group-{at}"),
            "stateful": true, "project_id": project, "tenant_id": project, "shared": false,
            "description": format!("revision {}", version.changes), "tags": [],
            "created_at": "2026-11-20T07:47:33Z", "updated_at": "2026-11-20T07:47:33Z",
            "revision_number": 1 + version.changes, "security_group_rules": []})
    }

    pub(super) fn rule(&self, at: usize, version: Version) -> Value {
        let project = self.project(b'r', at);
        let ports = [22, 80, 443, 5432, 9100];
        let port = ports.get(self.number(b'r', at, 4) as usize % ports.len()).copied();
        let open = at.is_multiple_of(97) || matches!(port, Some(80 | 443));
        json!({"id": self.uuid(b'r', at, version.life), "project_id": project, "tenant_id": project,
            "security_group_id": self.id(b'g', at % self.groups), "ethertype": "IPv4", "direction": "ingress",
            "protocol": "tcp", "port_range_min": port, "port_range_max": port,
            "remote_ip_prefix": if open { "0.0.0.0/0" } else { "10.0.0.0/8" },
            "remote_address_group_id": null, "normalized_cidr": null, "remote_group_id": null,
            "standard_attr_id": at, "description": format!("revision {}", version.changes),
            "belongs_to_default_sg": false, "tags": [], "created_at": "2026-11-20T07:47:33Z",
            "updated_at": "2026-11-20T07:47:33Z", "revision_number": version.changes})
    }
}
