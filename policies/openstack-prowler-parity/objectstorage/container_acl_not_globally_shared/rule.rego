# METADATA
# title: Object storage container read ACL is not globally shared
# description: >-
#   `*:*` and `*`: every user of every project may read.
# scope: package
# custom:
#   id: prowler.objectstorage_container_acl_not_globally_shared
#   severity: high
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/read_acl]
#   controls: ['prowler:objectstorage_container_acl_not_globally_shared']
#   standard: https://hub.prowler.com/check/objectstorage_container_acl_not_globally_shared
#   remediation: >-
#     swift post --read-acl PROJECT:USER CONTAINER. Others can no longer read it.
package prowler.objectstorage_container_acl_not_globally_shared

import rego.v1

body := input.resource.body

entries := split(body.read_acl, ",")

violations contains {
	"message": "every user of the cloud may read the container",
	"path": "/read_acl",
	"found": entry,
	"wanted": "projects and users by name",
} if {
	some one in entries
	entry := trim_space(one)
	entry in ["*:*", "*"]
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.read_acl)
	count(violations) == 0
}
