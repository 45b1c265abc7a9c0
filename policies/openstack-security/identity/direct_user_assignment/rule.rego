# METADATA
# title: Roles are granted to groups
# description: >-
#   Roles of single users are forgotten when people change their task. Accounts of services
#   are left out, as are roles on `provider_projects` and `exempt_roles`, which services
#   grant to users that they make.
# scope: package
# custom:
#   id: os.identity.direct-user-assignment
#   severity: info
#   input: resource
#   kinds: [identity.role_assignment]
#   requires:
#     identity.role_assignment: [/role/id, /scope]
#   joins:
#   - {name: roles, kind: identity.role, key: /role/id}
#   - {name: users, kind: identity.user, key: /user/id}
#   - {name: projects, kind: identity.project, key: /scope/project/id}
#   standard: https://docs.openstack.org/keystone/latest/admin/cli-manage-projects-users-and-roles.html
#   remediation: >-
#     openstack group create GROUP; openstack group add user GROUP USER; openstack role add
#     --group GROUP --project PROJECT ROLE; then openstack role remove --user USER --project
#     PROJECT ROLE. Tokens of the user become invalid with the removal.
#   parameters:
#     service_users: []
#     provider_projects: [service]
#     exempt_roles: [heat_stack_user, service]
package os.identity.direct_user_assignment

import rego.v1

import data.os.lib.account
import data.os.lib.grant

body := input.resource.body

direct if is_string(body.user.id)

role := grant.role(input)

exempt if role in input.parameters.exempt_roles

exempt if grant.provider_project(input)

exempt if {
	some user in input.joined.users
	account.service(user, input.parameters)
}

verdict := "pass" if {
	is_string(body.group.id)
	not direct
}

verdict := "pass" if exempt

verdict := "fail" if {
	direct
	role
	not exempt
}

verdict := "abort" if {
	direct
	not role
	not exempt
}

reason := "the role of the assignment is not in the listing of roles"

name := user.name if some user in input.joined.users

violations contains {
	"message": sprintf("user `%s` holds %s directly, not by a group", [object.get({true: name}, true, body.user.id), role]),
	"path": "/user",
	"found": body.user.id,
	"wanted": "a group",
} if {
	verdict == "fail"
}
