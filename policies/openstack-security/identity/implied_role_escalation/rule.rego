# METADATA
# title: No role leads to admin
# description: >-
#   Whoever holds a role that implies one of `roles`, over any number of steps, is that too,
#   and no listing of assignments says so. One finding for each role at the start of a chain.
# scope: package
# custom:
#   id: os.identity.implied-role-escalation
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.role_inference]
#   standard: https://docs.openstack.org/keystone/latest/admin/cli-manage-projects-users-and-roles.html#implied-roles
#   remediation: >-
#     openstack implied role delete ROLE --implied-role admin. Whoever was admin by it only is
#     not any more: grant what is needed by name first.
#   parameters:
#     roles: [admin]
package os.identity.implied_role_escalation

import rego.v1

inferences := input.resources["identity.role_inference"]

readable contains id if {
	some id, inference in inferences
	is_string(inference.body.prior_role.id)
	is_string(inference.body.prior_role.name)
	is_array(inference.body.implies)
	named := [role | some role in inference.body.implies; is_string(role.id); is_string(role.name)]
	count(named) == count(inference.body.implies)
}

names[role.id] := role.name if {
	some inference in inferences
	some role in inference.body.implies
}

steps[inference.body.prior_role.id] := next if {
	some inference in inferences
	next := {role.id | some role in inference.body.implies}
}

# With an entry for every role, also those that imply nothing.
ways := object.union({id: set() | some id, _ in names}, steps)

violations contains {
	"resource": inference.key,
	"message": sprintf("role `%s` leads to `%s`", [prior.name, names[reached]]),
	"path": "/implies",
	"found": concat(", ", sort([role.name | some role in inference.body.implies])),
	"wanted": "no role that leads there",
} if {
	some inference in inferences
	prior := inference.body.prior_role
	name := prior.name
	roles := input.parameters.roles
	not name in roles
	some reached in graph.reachable(ways, {prior.id})
	reached != prior.id
	names[reached] in input.parameters.roles
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(readable) == count(inferences)
}
