# METADATA
# title: Containers are not copied elsewhere
# description: >-
#   Container sync is off: with it Swift copies every object to another cluster, where
#   other rules apply. Where it is meant, waive this.
# scope: package
# custom:
#   id: os.object.sync-on
#   severity: medium
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/sync_to]
#   controls: ['prowler:objectstorage_container_sync_not_enabled']
#   standard: https://docs.openstack.org/swift/latest/overview_container_sync.html
#   remediation: >-
#     swift post --sync-to '' CONTAINER. What was copied stays where it is.
package os.object.sync_on

import rego.v1

body := input.resource.body

verdict := "pass" if body.sync_to == ""

verdict := "fail" if copied

copied if {
	is_string(body.sync_to)
	body.sync_to != ""
}

violations contains {
	"message": sprintf("the objects are copied to %s", [body.sync_to]),
	"path": "/sync_to",
	"found": body.sync_to,
	"wanted": "",
} if {
	copied
}
