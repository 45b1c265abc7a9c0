# METADATA
# title: Object storage container write ACL is restricted
# description: >-
#   `*:*` and `*`: every user of every project may write.
# scope: package
# custom:
#   id: prowler.objectstorage_container_write_acl_restricted
#   severity: critical
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/write_acl]
#   controls: ['prowler:objectstorage_container_write_acl_restricted']
#   standard: https://hub.prowler.com/check/objectstorage_container_write_acl_restricted
#   remediation: >-
#     swift post --write-acl PROJECT:USER CONTAINER. Others can no longer write to it.
package prowler.objectstorage_container_write_acl_restricted

import rego.v1

body := input.resource.body

entries := split(body.write_acl, ",")

violations contains {
	"message": "every user of the cloud may write to the container",
	"path": "/write_acl",
	"found": entry,
	"wanted": "projects and users by name",
} if {
	some one in entries
	entry := trim_space(one)
	entry in ["*:*", "*"]
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.write_acl)
	count(violations) == 0
}
