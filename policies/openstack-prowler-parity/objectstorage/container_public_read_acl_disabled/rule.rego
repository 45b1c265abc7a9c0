# METADATA
# title: Object storage containers do not grant anonymous read access
# description: >-
#   `.r:*`. Other referrers (`.r:.example.com`), which anybody can claim to be, pass.
# scope: package
# custom:
#   id: prowler.objectstorage_container_public_read_acl_disabled
#   severity: high
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/read_acl]
#   controls: ['prowler:objectstorage_container_public_read_acl_disabled']
#   standard: https://hub.prowler.com/check/objectstorage_container_public_read_acl_disabled
#   remediation: >-
#     swift post --read-acl '' CONTAINER. Web pages that show its objects break.
package prowler.objectstorage_container_public_read_acl_disabled

import rego.v1

body := input.resource.body

entries := split(body.read_acl, ",")

violations contains {
	"message": "everybody may read the container without signing in",
	"path": "/read_acl",
	"found": entry,
	"wanted": "projects and users by name",
} if {
	some one in entries
	entry := trim_space(one)
	entry in [".r:*"]
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.read_acl)
	count(violations) == 0
}
