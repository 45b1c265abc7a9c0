# METADATA
# title: Containers are not readable by every project
# description: >-
#   The read ACL does not grant to all users of all projects (`*:*` or `*`): every
#   customer of the cloud could read.
# scope: package
# custom:
#   id: os.object.read-all-projects
#   severity: high
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/read_acl]
#   controls: ['prowler:objectstorage_container_acl_not_globally_shared']
#   standard: https://docs.openstack.org/swift/latest/overview_acl.html
#   remediation: >-
#     swift post --read-acl 'PROJECT:*,PROJECT:*' CONTAINER with the ids of the projects
#     that are meant. Others can no longer read.
package os.object.read_all_projects

import rego.v1

body := input.resource.body

entries := split(body.read_acl, ",")

violations contains {
	"message": "every user of every project may read the objects",
	"path": "/read_acl",
	"found": trim_space(entry),
	"wanted": "the projects and users that are meant",
} if {
	some entry in entries
	trim_space(entry) in {"*:*", "*"}
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.read_acl)
	count(violations) == 0
}
