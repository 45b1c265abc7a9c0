//! What rules on security ask for besides the mass: who has which credentials,
//! what stands at the edge, what is kept twice.

use serde_json::{Value, json};

use super::{Maker, list};
use crate::recording::Recording;

/// A key of RSA with 4096 bits, and one of Ed25519.
const KEYS: [&str; 2] = [
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAACAQC7 generated",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4BPxX8KMmJsmzbCeB8lEf generated",
];

const CREATED: &str = "2026-11-20T07:47:33Z";

impl Maker {
    /// Adds all of that; `floating` IPs, and `copies` of volumes as snapshots and
    /// as backups.
    pub(super) fn tenancy(&self, cloud: &mut Recording, [floating, copies]: [usize; 2]) {
        self.people(cloud);
        self.edge(cloud, floating);
        self.copies(cloud, copies);
        self.hosts(cloud);
    }

    fn people(&self, cloud: &mut Recording) {
        for n in 0..self.users {
            let user = self.hex(b'U', n);
            let key = KEYS.get(n % KEYS.len());
            cloud.list(
                "compute",
                &format!("os-keypairs?user_id={user}"),
                "keypairs",
                list(1, &|_| {
                    json!({"keypair": {"name": "ops", "type": "ssh", "public_key": key,
                    "fingerprint": "SHA256:generated"}})
                }),
            );
            let credentials = format!("users/{user}/application_credentials");
            cloud.list("identity", &credentials, "application_credentials", list(1, &|_| {
                json!({"id": self.hex(b'C', n), "name": "ci", "project_id": self.hex(b'P', n % self.projects),
                    "unrestricted": n.is_multiple_of(40), "roles": [{"id": "role-member", "name": "member"}],
                    "expires_at": (!n.is_multiple_of(4)).then_some("2027-06-01T00:00:00.000000"),
                    "description": null, "system": null})
            }));
        }
        cloud.list(
            "identity",
            "role_inferences",
            "role_inferences",
            list(2, &|n| {
                let [prior, implied] =
                    [["admin", "member"], ["member", "reader"]].get(n).copied().unwrap_or_default();
                let role = |name: &str| json!({"id": format!("role-{name}"), "name": name});
                json!({"prior_role": role(prior), "implies": [role(implied)]})
            }),
        );
        let teams = (self.users / 10).max(1);
        cloud.list("identity", "groups", "groups", list(teams, &|n| {
            json!({"id": self.hex(b'G', n), "name": format!("team-{n}"), "domain_id": "default", "description": ""})
        }));
        for team in 0..teams {
            let path = format!("groups/{}/users", self.hex(b'G', team));
            cloud.list("identity", &path, "users", list(10.min(self.users), &|n| {
                let user = (team * 10 + n) % self.users;
                json!({"id": self.hex(b'U', user), "name": format!("user-{user}"), "domain_id": "default"})
            }));
        }
        for n in 0..self.projects {
            let project = self.hex(b'P', n);
            for (service, path, key, quota) in [
                (
                    "compute",
                    "os-quota-sets",
                    "quota_set",
                    json!({"cores": 200, "ram": 512_000, "instances": 100}),
                ),
                (
                    "block-storage",
                    "os-quota-sets",
                    "quota_set",
                    json!({"volumes": 100, "gigabytes": 10_000}),
                ),
                (
                    "network",
                    "quotas",
                    "quota",
                    json!({"port": 500, "network": 20, "security_group": 50}),
                ),
            ] {
                cloud.body(
                    service,
                    &format!("{path}/{project}"),
                    200,
                    json!({ key: quota }).to_string(),
                );
            }
        }
    }

    fn edge(&self, cloud: &mut Recording, floating: usize) {
        let outside = self.uuid(b'n', 0, 0);
        let owned = |n: usize| self.hex(b'P', n % self.projects);
        cloud.list("network", "floatingips", "floatingips", list(floating, &|n| {
            json!({"id": self.uuid(b'F', n, 0), "project_id": self.project(b's', n),
                "tenant_id": self.project(b's', n), "status": "ACTIVE",
                "floating_ip_address": format!("203.{}.{}.{}", (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff),
                "floating_network_id": outside, "fixed_ip_address": self.address(n), "description": "",
                "port_id": (!n.is_multiple_of(20)).then(|| self.id(b'p', n)), "tags": [],
                "router_id": self.uuid(b'R', n % self.projects, 0), "port_forwardings": [],
                "created_at": CREATED, "updated_at": CREATED, "revision_number": 1})
        }));
        cloud.list("network", "routers", "routers", list(self.projects, &|n| {
            json!({"id": self.uuid(b'R', n, 0), "name": format!("router-{n}"), "project_id": owned(n), "tenant_id": owned(n),
                "admin_state_up": true, "status": "ACTIVE", "ha": !n.is_multiple_of(10), "distributed": false,
                "availability_zones": ["nova"], "availability_zone_hints": [], "routes": [],
                "external_gateway_info": {"network_id": outside, "enable_snat": true, "external_fixed_ips": []},
                "created_at": CREATED, "updated_at": CREATED, "revision_number": 3})
        }));
        cloud.list("network", "rbac-policies", "rbac_policies", list((self.projects / 10).max(1), &|n| {
            json!({"id": self.uuid(b'B', n, 0), "object_type": "network", "object_id": self.uuid(b'n', n % 40, 0),
                "action": "access_as_shared", "target_tenant": owned(n + 1), "project_id": owned(n)})
        }));
        for empty in ["trunks", "segments", "address-groups", "fwaas/firewall_rules"] {
            let key = empty.rsplit('/').next().unwrap_or_default().replace('-', "_");
            cloud.list("network", empty, &key, Vec::new());
        }
        cloud.list("load-balancer", "lbaas/loadbalancers", "loadbalancers", list(self.projects, &|n| {
            json!({"id": self.uuid(b'L', n, 0), "name": format!("lb-{n}"), "project_id": owned(n),
                "provisioning_status": "ACTIVE", "operating_status": "ONLINE", "vip_address": self.address(n),
                "vip_network_id": self.uuid(b'n', n % 40, 0), "vip_port_id": self.uuid(b'V', n, 0),
                "listeners": [{"id": self.uuid(b'l', n, 0)}], "pools": [], "admin_state_up": true,
                "created_at": CREATED, "updated_at": CREATED})
        }));
        cloud.list("load-balancer", "lbaas/listeners", "listeners", list(self.projects, &|n| {
            let tls = !n.is_multiple_of(5);
            json!({"id": self.uuid(b'l', n, 0), "name": "", "project_id": owned(n), "admin_state_up": true,
                "protocol": if tls { "TERMINATED_HTTPS" } else { "HTTP" },
                "protocol_port": if tls { 443 } else { 80 }, "loadbalancers": [{"id": self.uuid(b'L', n, 0)}],
                "tls_versions": if tls { json!(["TLSv1.2", "TLSv1.3"]) } else { json!([]) },
                "tls_ciphers": tls.then_some("TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES256-GCM-SHA384"),
                "allowed_cidrs": null, "l7policies": [], "created_at": CREATED, "updated_at": CREATED})
        }));
    }

    fn copies(&self, cloud: &mut Recording, copies: usize) {
        let common = |kind: u8, n: usize| -> Value {
            json!({"id": self.uuid(kind, n, 0), "name": format!("copy-{n}"), "volume_id": self.id(b'v', n),
                "size": 20, "status": "available", "created_at": "2026-11-20T07:47:43.000000",
                "updated_at": "2026-11-20T07:47:44.000000", "description": "", "metadata": {}})
        };
        for (path, key, kind, project) in [
            ("snapshots/detail", "snapshots", b'S', "os-extended-snapshot-attributes:project_id"),
            ("backups/detail", "backups", b'K', "os-backup-project-attr:project_id"),
        ] {
            cloud.list(
                "block-storage",
                path,
                key,
                list(copies, &|n| {
                    let mut item = common(kind, n);
                    if let Some(members) = item.as_object_mut() {
                        members.insert(project.to_owned(), self.project(b's', n).into());
                    }
                    item
                }),
            );
        }
        let encryption = json!({"encryption_id": self.uuid(b'e', 0, 0), "volume_type_id": self.uuid(b't', 0, 0),
            "provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"});
        let path = format!("types/{}/encryption", self.uuid(b't', 0, 0));
        cloud.body("block-storage", &path, 200, encryption.to_string());
        cloud.list("block-storage", "os-volume-transfer/detail", "transfers", Vec::new());
    }

    fn hosts(&self, cloud: &mut Recording) {
        let service = |binary: &str, n: usize| {
            json!({"id": self.uuid(b'S', n, 0), "binary": binary, "host": format!("compute-{n:03}"),
                "zone": format!("az-{}", n % 3), "status": "enabled", "state": "up", "forced_down": false,
                "disabled_reason": null, "updated_at": CREATED})
        };
        let hosts = self.hypervisors;
        cloud.list(
            "compute",
            "os-services",
            "services",
            list(hosts, &|n| service("nova-compute", n)),
        );
        cloud.list(
            "block-storage",
            "os-services",
            "services",
            list(3, &|n| service("cinder-volume", n)),
        );
        cloud.list("network", "agents", "agents", list(hosts, &|n| {
            json!({"id": self.uuid(b'A', n, 0), "agent_type": "Open vSwitch agent", "binary": "neutron-openvswitch-agent",
                "host": format!("compute-{n:03}"), "alive": true, "admin_state_up": true, "availability_zone": null,
                "topic": "N/A", "configurations": {}, "created_at": CREATED, "started_at": CREATED})
        }));
        cloud.list("compute", "os-server-groups", "server_groups", list(self.projects, &|n| {
            json!({"id": self.uuid(b'W', n, 0), "name": format!("spread-{n}"), "policy": "anti-affinity",
                "rules": {}, "members": [self.id(b's', n), self.id(b's', n + 1)],
                "project_id": self.hex(b'P', n), "user_id": self.hex(b'U', n % self.users)})
        }));
        cloud.list("placement", "resource_providers", "resource_providers", list(hosts, &|n| {
            json!({"uuid": self.uuid(b'H', n, 0), "name": format!("compute-{n:03}"), "generation": 1,
                "parent_provider_uuid": null, "root_provider_uuid": self.uuid(b'H', n, 0)})
        }));
        for n in 0..hosts {
            let class = |total: u32, ratio: f32| {
                json!({"total": total, "reserved": 0, "min_unit": 1, "max_unit": total, "step_size": 1,
                    "allocation_ratio": ratio})
            };
            let body = json!({"resource_provider_generation": 1,
                "inventories": {"VCPU": class(128, 4.0), "MEMORY_MB": class(1_048_576, 1.0)}});
            let path = format!("resource_providers/{}/inventories", self.uuid(b'H', n, 0));
            cloud.body("placement", &path, 200, body.to_string());
        }
    }
}
