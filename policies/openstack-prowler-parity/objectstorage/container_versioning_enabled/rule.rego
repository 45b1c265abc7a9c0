# METADATA
# title: Object storage containers have versioning enabled
# description: >-
#   Only the old headers X-Versions-Location and X-History-Location count: a container
#   with X-Versions-Enabled (Swift 2.24 and newer) fails. `os.object.no-versioning` takes
#   both.
# scope: package
# custom:
#   id: prowler.objectstorage_container_versioning_enabled
#   severity: medium
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/versions]
#   controls: ['prowler:objectstorage_container_versioning_enabled']
#   standard: https://hub.prowler.com/check/objectstorage_container_versioning_enabled
#   remediation: >-
#     swift post -H 'X-History-Location: OTHER' CONTAINER. Earlier versions count against
#     the quota.
package prowler.objectstorage_container_versioning_enabled

import rego.v1

body := input.resource.body

bad if body.versions == ""

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.versions)
	not bad
}

violations contains {
	"message": "earlier versions are kept in no other container",
	"path": "/versions",
	"found": "",
	"wanted": "a container for versions",
} if {
	bad
}
