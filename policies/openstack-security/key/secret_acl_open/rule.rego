# METADATA
# title: Secrets are readable by nobody from outside
# description: >-
#   The access list of a secret that its project may read names no further users, except
#   `service_users` (names in the domain `default`): Octavia and others must read
#   certificates that way. Where the project may not read it, nobody knows whether those
#   named are of the project.
# scope: package
# custom:
#   id: os.key.secret-acl-open
#   severity: medium
#   input: resource
#   kinds: [key-manager.secret_acl]
#   absent: [key-manager.secret_acl]
#   requires:
#     key-manager.secret_acl: [/read]
#   joins:
#   - {name: users, kind: identity.user, key: /read/users}
#   standard: https://docs.openstack.org/barbican/latest/api/reference/acls.html
#   remediation: >-
#     openstack acl user remove --user USER REF. What that user ran with the secret stops;
#     renew the secret if it was not meant to be read. Barbican shows secrets of the own
#     project only: others are not judged.
#   parameters:
#     service_users: [octavia, magnum, heat, cinder, nova, glance, barbican]
package os.key.secret_acl_open

import rego.v1

import data.os.lib.names

body := input.resource.body

whole_project if body.read["project-access"] == true

listed := object.get(body.read, "users", [])

services contains id if {
	some id, user in input.joined.users
	user.domain_id == "default"
	names.listed(input.parameters.service_users, user.name)
}

foreign contains id if {
	some id in listed
	not id in services
}

private if body.read["project-access"] == false

verdict := "pass" if {
	private
	is_array(listed)
	count(foreign) == 0
}

verdict := "abort" if {
	private
	count(foreign) > 0
}

reason := sprintf("whether user `%s`, who may read the private secret, is of its project is not known", [min(foreign)]) if {
	private
	count(foreign) > 0
}

verdict := "pass" if {
	whole_project
	is_array(listed)
	count(foreign) == 0
}

verdict := "fail" if {
	whole_project
	count(foreign) > 0
}

violations contains {
	"message": sprintf("user `%s` may read the secret besides its project", [id]),
	"path": "/read/users",
	"found": id,
	"wanted": "the project, and services",
} if {
	whole_project
	some id in foreign
}
