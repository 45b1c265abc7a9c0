# METADATA
# title: Only what is the provider's is shared with every project
# description: >-
#   No policy shares a network, a group or a pool of a customer with `*`, whoever made it.
#   Whoever attaches to such a network stands in that customer's; many cannot tell it from
#   the provider's. The owner of the policy is one of `provider_projects` (ids, or names
#   of projects in the domain `default`), and what is shared belongs to that project, or
#   to another whose id is listed.
# scope: package
# custom:
#   id: os.network.rbac-wildcard
#   severity: high
#   input: resource
#   kinds: [network.rbac_policy]
#   absent: [network.subnet_pool, network.address_group, network.address_scope, network.qos_policy]
#   requires:
#     network.rbac_policy: [/target_tenant, /action, /project_id]
#   joins:
#   - {name: projects, kind: identity.project, key: /project_id}
#   - {name: networks, kind: network.network, key: /object_id}
#   - {name: groups, kind: network.security_group, key: /object_id}
#   - {name: pools, kind: network.subnet_pool, key: /object_id}
#   - {name: address_groups, kind: network.address_group, key: /object_id}
#   - {name: scopes, kind: network.address_scope, key: /object_id}
#   - {name: qos_policies, kind: network.qos_policy, key: /object_id}
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

owners contains thing.project_id if some thing in input.joined.networks

owners contains thing.project_id if some thing in input.joined.groups

owners contains thing.project_id if some thing in input.joined.pools

owners contains thing.project_id if some thing in input.joined.address_groups

owners contains thing.project_id if some thing in input.joined.scopes

owners contains thing.project_id if some thing in input.joined.qos_policies

customers contains project if {
	some project in owners
	project != body.project_id
	listed := input.parameters.provider_projects
	not project in listed
}

# By a policy of a customer's, what is shared is theirs.
customers contains body.project_id if not ours

verdict := "pass" if {
	is_string(body.target_tenant)
	is_string(body.action)
	not everybody
}

verdict := "pass" if {
	everybody
	count(owners) > 0
	count(customers) == 0
}

verdict := "fail" if {
	everybody
	count(customers) > 0
}

verdict := "abort" if {
	everybody
	count(owners) == 0
	count(customers) == 0
}

reason := sprintf("nobody knows whose %v `%v` is", [body.object_type, body.object_id]) if verdict == "abort"

violations contains {
	"message": sprintf("%v `%v` of project `%v` is shared with every project", [body.object_type, body.object_id, project]),
	"path": "/target_tenant",
	"found": "*",
	"wanted": "the projects that are meant",
} if {
	everybody
	some project in customers
}
