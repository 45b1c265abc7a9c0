//! Projects, users, flavors, images, hosts: what the rest hangs on.

use serde_json::json;

use super::{Maker, list};
use crate::recording::Recording;

impl Maker {
    /// Adds all of that.
    pub(super) fn frame(&self, cloud: &mut Recording) {
        let hex = |kind: u8, n: usize| self.hex(kind, n);
        cloud.list("identity", "projects", "projects", list(self.projects, &|n| {
            json!({"id": hex(b'P', n), "name": format!("project-{n}"), "domain_id": "default",
                "description": "", "enabled": true, "parent_id": "default", "is_domain": false, "tags": [], "options": {}})
        }));
        cloud.list(
            "identity",
            "users",
            "users",
            list(self.users, &|n| {
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
        cloud.list("identity", "role_assignments", "role_assignments", list(self.users, &|n| {
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
                "tenant_id": hex(b'P', n % self.projects), "provider:network_type": "geneve",
                "provider:physical_network": null, "provider:segmentation_id": 100 + n,
                "created_at": "2026-11-20T07:47:33Z", "updated_at": "2026-11-20T07:47:33Z",
                "admin_state_up": true, "status": "ACTIVE", "subnets": [self.uuid(b'u', n, 0)], "shared": false,
                "router:external": n == 0, "mtu": 1450, "port_security_enabled": true, "tags": [], "revision_number": 2})
        }));
        cloud.list("network", "subnets", "subnets", list(40, &|n| {
            json!({"id": self.uuid(b'u', n, 0), "name": format!("subnet-{n}"), "project_id": hex(b'P', n % self.projects),
                "network_id": self.uuid(b'n', n, 0), "ip_version": 4, "cidr": format!("10.{n}.0.0/16"),
                "gateway_ip": format!("10.{n}.0.1"), "enable_dhcp": true, "tags": [], "revision_number": 0})
        }));
    }
}
