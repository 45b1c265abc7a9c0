# METADATA
# title: Nobody is admin of an ordinary project or domain
# description: >-
#   With the default policies, and without scope enforcement in every service, the role admin
#   on any project is admin of the whole cloud. It belongs on the system, on the domain of the
#   operator and on `provider_projects` (names in the domain `default`, or ids) only. Roles
#   that imply admin are `os.identity.implied-role-escalation`.
# scope: package
# custom:
#   id: os.identity.admin-project-scope
#   severity: high
#   input: resource
#   kinds: [identity.role_assignment]
#   requires:
#     identity.role_assignment: [/role/id, /scope]
#   joins:
#   - {name: roles, kind: identity.role, key: /role/id}
#   - {name: projects, kind: identity.project, key: /scope/project/id}
#   - {name: domains, kind: identity.domain, key: /scope/domain/id}
#   standard: https://bugs.launchpad.net/keystone/+bug/968696
#   remediation: >-
#     openstack role add --user USER --project PROJECT manager (or member), then openstack role
#     remove --user USER --project PROJECT admin. What the user did as admin for others no
#     longer works.
#   parameters:
#     roles: [admin]
#     provider_projects: [admin, service]
#     provider_domains: [default]
package os.identity.admin_project_scope

import rego.v1

import data.os.lib.grant

body := input.resource.body

role := grant.role(input)

powerful if role in input.parameters.roles

verdict := "pass" if {
	role
	not powerful
}

verdict := "pass" if {
	powerful
	grant.provider(input)
}

verdict := "fail" if {
	powerful
	grant.place(input)
	not grant.provider(input)
}

verdict := "abort" if not role

verdict := "abort" if {
	powerful
	not grant.place(input)
	not grant.provider(input)
}

reason := "the role of the assignment is not in the listing of roles" if not role

reason := "the project or domain of the assignment is not in its listing" if role

violations contains {
	"message": sprintf("%s holds %s on %s", [grant.who(body), role, grant.place(input)]),
	"path": "/scope",
	"found": body.scope,
	"wanted": "the system, or a project of the operator",
} if {
	verdict == "fail"
}
