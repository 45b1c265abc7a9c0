# METADATA
# title: Volumes are attached to one server only
# description: >-
#   `multiattach` is off. Several servers that write to one volume destroy each other's
#   files unless they use a file system made for clusters, and share what either of them
#   writes.
# scope: package
# custom:
#   id: os.block.volume-multiattach
#   severity: medium
#   input: resource
#   kinds: [block-storage.volume]
#   requires:
#     block-storage.volume: [/multiattach]
#   controls: ['prowler:blockstorage_volume_multiattach_disabled']
#   standard: https://docs.openstack.org/cinder/latest/admin/volume-multiattach.html
#   remediation: >-
#     Create a volume of a type without `multiattach="<is> True"`, copy the data, and
#     attach that: `openstack volume create --type TYPE --source VOLUME NEW`. Clusters
#     that need shared disks lose them.
package os.block.volume_multiattach

import rego.v1

body := input.resource.body

verdict := "pass" if body.multiattach == false

verdict := "fail" if body.multiattach == true

violations contains {
	"message": "several servers may attach the volume at the same time",
	"path": "/multiattach",
	"found": true,
	"wanted": false,
} if {
	body.multiattach == true
}
