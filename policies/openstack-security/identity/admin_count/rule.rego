# METADATA
# title: Few hold the admin role
# description: >-
#   Counts who effectively holds one of `roles` anywhere: with the default policies an admin of
#   any project is one of the whole cloud. A group counts as one if none of its members is
#   counted already. Accounts of services and disabled users do not count.
# scope: package
# custom:
#   id: os.identity.admin-count
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [openstack.access]
#   standard: https://docs.openstack.org/security-guide/identity/policies.html
#   remediation: >-
#     openstack role remove --user USER --project PROJECT admin for those who need it no
#     longer; `reader` on the system and `manager` of a domain suffice for most tasks. `openstack
#     role assignment list --role admin --effective --names` shows all.
#   parameters:
#     max: 5
#     roles: [admin]
#     service_users: []
package os.identity.admin_count

import rego.v1

import data.os.lib.account

all := input.resources["openstack.access"]

programs contains key if {
	some key, access in all
	account.service(access.body.subject, input.parameters)
}

holders contains key if {
	some key, access in all
	some role in input.parameters.roles
	count(object.get(access.body.roles, role, {})) > 0
	subject := access.body.subject
	object.get(subject, "enabled", null) != false
	not key in programs
}

users contains key if {
	some key in holders
	all[key].body.subject.type == "user"
}

covered contains group if {
	some key in users
	some group, _ in all[key].body.groups
}

groups contains key if {
	some key in holders
	subject := all[key].body.subject
	subject.type == "group"
	id := subject.id
	not id in covered
}

number := count(users) + count(groups)

readable contains key if {
	some key, access in all
	is_object(access.body.roles)
	access.body.subject.type in ["user", "group"]
	is_object(access.body.groups)
}

shown contains sprintf("%s `%s`", [subject.type, subject.name]) if {
	some key in users | groups
	subject := all[key].body.subject
	is_string(subject.name)
}

shown contains sprintf("%s %s", [subject.type, subject.id]) if {
	some key in users | groups
	subject := all[key].body.subject
	object.get(subject, "name", null) == null
}

verdict := "pass" if {
	number <= input.parameters.max
	count(readable) == count(all)
}

verdict := "fail" if number > input.parameters.max

violations contains {
	"message": sprintf("%d users and groups hold the admin role: %s", [number, concat(", ", sort(shown))]),
	"path": "",
	"found": number,
	"wanted": sprintf("at most %d", [input.parameters.max]),
} if {
	number > input.parameters.max
}
