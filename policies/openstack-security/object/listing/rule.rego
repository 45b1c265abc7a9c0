# METADATA
# title: Containers do not list their objects to everybody
# description: >-
#   The read ACL has no `.rlistings`: with it, whoever may read by referrer also sees the
#   names of all objects.
# scope: package
# custom:
#   id: os.object.listing
#   severity: medium
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/read_acl]
#   controls: ['prowler:objectstorage_container_listing_disabled']
#   standard: https://docs.openstack.org/swift/latest/overview_acl.html
#   remediation: >-
#     swift post --read-acl '.r:*' CONTAINER for one that is meant to be public, without
#     `.rlistings`. Programs that list it without signing in stop.
package os.object.listing

import rego.v1

body := input.resource.body

entries := split(body.read_acl, ",")

violations contains {
	"message": "the objects are listed to whoever may read them by referrer",
	"path": "/read_acl",
	"found": trim_space(entry),
	"wanted": "the projects and users that are meant",
} if {
	some entry in entries
	trim_space(entry) == ".rlistings"
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.read_acl)
	count(violations) == 0
}
