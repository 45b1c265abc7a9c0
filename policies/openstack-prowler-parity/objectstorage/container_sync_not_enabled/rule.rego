# METADATA
# title: Object storage containers do not have container sync enabled
# description: >-
#   Wrong for a provider that offers container sync.
# scope: package
# custom:
#   id: prowler.objectstorage_container_sync_not_enabled
#   severity: medium
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/sync_to]
#   controls: ['prowler:objectstorage_container_sync_not_enabled']
#   standard: https://hub.prowler.com/check/objectstorage_container_sync_not_enabled
#   remediation: >-
#     swift post --sync-to '' CONTAINER. The copy is no longer kept up.
package prowler.objectstorage_container_sync_not_enabled

import rego.v1

body := input.resource.body

bad if body.sync_to != ""

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.sync_to)
	not bad
}

violations contains {
	"message": "the container is copied elsewhere",
	"path": "/sync_to",
	"found": body.sync_to,
	"wanted": "",
} if {
	bad
}
