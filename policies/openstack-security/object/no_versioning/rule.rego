# METADATA
# title: Containers keep earlier versions of objects
# description: >-
#   Versioning is on, so that what is overwritten or deleted can be had back.
# scope: package
# custom:
#   id: os.object.no-versioning
#   severity: low
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/versions, /versions_enabled]
#   controls: ['prowler:objectstorage_container_versioning_enabled']
#   standard: https://docs.openstack.org/swift/latest/api/object_versioning.html
#   remediation: >-
#     `swift post -H 'X-Versions-Enabled: true' CONTAINER` (Ceph RGW: `swift post -H
#     'X-Versions-Location: OTHER' CONTAINER`). Earlier versions count against the quota
#     until they are deleted.
package os.object.no_versioning

import rego.v1

body := input.resource.body

kept if body.versions_enabled == true

kept if {
	is_string(body.versions)
	body.versions != ""
}

verdict := "pass" if kept

verdict := "fail" if {
	body.versions_enabled == false
	body.versions == ""
}

violations contains {
	"message": "earlier versions of objects are not kept",
	"path": "/versions_enabled",
	"found": false,
	"wanted": true,
} if {
	body.versions_enabled == false
	body.versions == ""
}
