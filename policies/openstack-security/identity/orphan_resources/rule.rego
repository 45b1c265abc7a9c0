# METADATA
# title: Everything belongs to a project that exists
# description: >-
#   Keystone deletes a project and no service hears of it: what was in it stays, costs, and
#   nobody can delete it but an admin. Ports are left out, since those without a project are
#   the services' own.
# scope: package
# custom:
#   id: os.identity.orphan-resources
#   severity: medium
#   input: resource
#   kinds:
#   - compute.server
#   - block-storage.volume
#   - block-storage.snapshot
#   - image.image
#   - network.network
#   - network.router
#   - network.floating_ip
#   - network.security_group
#   absent: [block-storage.volume, block-storage.snapshot]
#   requires:
#     compute.server: [/tenant_id]
#     block-storage.volume: ['/os-vol-tenant-attr:tenant_id']
#     block-storage.snapshot: ['/os-extended-snapshot-attributes:project_id']
#     image.image: [/owner]
#     network.network: [/tenant_id]
#     network.router: [/tenant_id]
#     network.floating_ip: [/tenant_id]
#     network.security_group: [/tenant_id]
#   joins:
#   - {name: tenant, kind: identity.project, key: /tenant_id}
#   - {name: owner, kind: identity.project, key: /owner}
#   - {name: volume, kind: identity.project, key: '/os-vol-tenant-attr:tenant_id'}
#   - {name: snapshot, kind: identity.project, key: '/os-extended-snapshot-attributes:project_id'}
#   standard: https://docs.openstack.org/python-openstackclient/latest/cli/command-objects/project-cleanup.html
#   remediation: >-
#     As an admin, delete what it is (openstack server delete, openstack volume delete, …) or
#     move it (openstack image set --project PROJECT IMAGE; openstack volume transfer request
#     create). Before deleting a project: openstack project cleanup --project PROJECT.
package os.identity.orphan_resources

import rego.v1

body := input.resource.body

owners := {
	object.get(body, "tenant_id", ""),
	object.get(body, "owner", ""),
	object.get(body, "os-vol-tenant-attr:tenant_id", ""),
	object.get(body, "os-extended-snapshot-attributes:project_id", ""),
}

found if count(input.joined.tenant) > 0

found if count(input.joined.owner) > 0

found if count(input.joined.volume) > 0

found if count(input.joined.snapshot) > 0

# Images and networks of nobody have an empty one, or null.
owned contains owner if {
	some owner in owners
	is_string(owner)
	owner != ""
}

verdict := "pass" if found

verdict := "pass" if {
	is_object(body)
	not found
	count(owned) == 0
}

verdict := "fail" if {
	not found
	count(owned) > 0
}

violations contains {
	"message": sprintf("it belongs to project `%s`, which does not exist", [owner]),
	"path": "",
	"found": owner,
	"wanted": "a project that exists",
} if {
	not found
	some owner in owned
}
