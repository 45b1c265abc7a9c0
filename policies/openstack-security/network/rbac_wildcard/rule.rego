# METADATA
# title: Only the provider shares with every project
# description: >-
#   No policy of a customer shares a network, a group or a pool with `*`. Whoever attaches
#   to such a network stands in that customer's; many cannot tell it from the provider's.
#   Owners in `provider_projects` (ids, or names of projects in the domain `default`) may.
# scope: package
# custom:
#   id: os.network.rbac-wildcard
#   severity: high
#   input: resource
#   kinds: [network.rbac_policy]
#   requires:
#     network.rbac_policy: [/target_tenant, /action, /project_id]
#   joins:
#   - {name: projects, kind: identity.project, key: /project_id}
#   standard: https://docs.openstack.org/neutron/latest/admin/config-rbac.html
#   remediation: >-
#     openstack network rbac delete POLICY, and `openstack network rbac create --type
#     network --action access_as_shared --target-project PROJECT NETWORK` for each project
#     that is meant. Neutron refuses while others have ports there: they have to go first.
#   parameters:
#     provider_projects: [admin, service]
package os.network.rbac_wildcard

import rego.v1

import data.os.lib.owner

body := input.resource.body

everybody if {
	body.target_tenant == "*"
	body.action == "access_as_shared"
}

ours if body.project_id in input.parameters.provider_projects

ours if owner.provider(input.joined.projects, input.parameters.provider_projects)

verdict := "pass" if {
	is_string(body.target_tenant)
	is_string(body.action)
	not everybody
}

verdict := "pass" if {
	everybody
	ours
}

verdict := "fail" if {
	everybody
	not ours
}

violations contains {
	"message": sprintf("project `%v` shares %v `%v` with every project", [body.project_id, body.object_type, body.object_id]),
	"path": "/target_tenant",
	"found": "*",
	"wanted": "the projects that are meant",
} if {
	everybody
	not ours
}
