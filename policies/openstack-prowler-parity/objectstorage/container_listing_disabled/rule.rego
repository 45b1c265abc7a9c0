# METADATA
# title: Object storage container listings are not publicly accessible
# description: >-
#   `.rlistings`, and also `*:*` and `*`, with which every user lists the objects.
# scope: package
# custom:
#   id: prowler.objectstorage_container_listing_disabled
#   severity: medium
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/read_acl]
#   controls: ['prowler:objectstorage_container_listing_disabled']
#   standard: https://hub.prowler.com/check/objectstorage_container_listing_disabled
#   remediation: >-
#     swift post --read-acl '.r:*' CONTAINER without `.rlistings`. Programs that list it
#     without signing in stop.
package prowler.objectstorage_container_listing_disabled

import rego.v1

body := input.resource.body

entries := split(body.read_acl, ",")

violations contains {
	"message": "others may list the objects",
	"path": "/read_acl",
	"found": entry,
	"wanted": "projects and users by name",
} if {
	some one in entries
	entry := trim_space(one)
	entry in [".rlistings", "*:*", "*"]
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.read_acl)
	count(violations) == 0
}
