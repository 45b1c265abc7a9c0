# METADATA
# title: Disabled projects hold nothing
# description: >-
#   Servers of a disabled project keep running, reachable and unpatched, and nobody of the
#   project can sign in to see them. Servers, volumes and floating IPs are looked for.
# scope: package
# custom:
#   id: os.identity.project-disabled-with-resources
#   severity: low
#   input: resource
#   kinds: [identity.project]
#   absent: [block-storage.volume]
#   requires:
#     identity.project: [/id, /name, /enabled]
#     compute.server: [/tenant_id]
#     block-storage.volume: ['/os-vol-tenant-attr:tenant_id']
#     network.floating_ip: [/project_id]
#   joins:
#   - {name: servers, kind: compute.server, key: /id, field: /tenant_id}
#   - {name: volumes, kind: block-storage.volume, key: /id, field: '/os-vol-tenant-attr:tenant_id'}
#   - {name: floating_ips, kind: network.floating_ip, key: /id, field: /project_id}
#   standard: https://docs.openstack.org/keystone/latest/admin/cli-manage-projects-users-and-roles.html
#   remediation: >-
#     openstack project cleanup --project PROJECT --dry-run shows what there is; without
#     --dry-run it deletes it for good. Or openstack project set --enable PROJECT.
package os.identity.project_disabled_with_resources

import rego.v1

body := input.resource.body

held contains sprintf("%d servers", [count(input.joined.servers)]) if count(input.joined.servers) > 0

held contains sprintf("%d volumes", [count(input.joined.volumes)]) if count(input.joined.volumes) > 0

held contains sprintf("%d floating IPs", [count(input.joined.floating_ips)]) if {
	count(input.joined.floating_ips) > 0
}

verdict := "pass" if body.enabled == true

verdict := "pass" if {
	body.enabled == false
	count(held) == 0
}

verdict := "fail" if {
	body.enabled == false
	count(held) > 0
}

violations contains {
	"message": sprintf("the disabled project `%s` still holds %s", [body.name, concat(", ", sort(held))]),
	"path": "/enabled",
	"found": false,
	"wanted": "nothing in it",
} if {
	verdict == "fail"
}
