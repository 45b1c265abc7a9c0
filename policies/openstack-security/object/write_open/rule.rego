# METADATA
# title: Containers are not writable by every project
# description: >-
#   The write ACL does not grant to all users of all projects (`*:*` or `*`): every
#   customer of the cloud could replace and delete objects, or leave theirs there.
# scope: package
# custom:
#   id: os.object.write-open
#   severity: critical
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/write_acl]
#   controls: ['prowler:objectstorage_container_write_acl_restricted']
#   standard: https://docs.openstack.org/swift/latest/overview_acl.html
#   remediation: >-
#     swift post --write-acl 'PROJECT:USER' CONTAINER with the ids of those who are meant,
#     and look at what was changed (`swift list --lh CONTAINER`). Others can no longer
#     write.
package os.object.write_open

import rego.v1

body := input.resource.body

entries := split(body.write_acl, ",")

violations contains {
	"message": "every user of every project may write and delete objects",
	"path": "/write_acl",
	"found": trim_space(entry),
	"wanted": "the projects and users that are meant",
} if {
	some entry in entries
	trim_space(entry) in {"*:*", "*"}
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.write_acl)
	count(violations) == 0
}
