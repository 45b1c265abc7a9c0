# METADATA
# title: Block storage snapshots reference existing volumes
# description: >-
#   Cinder itself refuses to delete a volume that has snapshots; orphans come of edits to
#   its database.
# scope: package
# custom:
#   id: prowler.blockstorage_snapshot_not_orphaned
#   severity: low
#   input: resource
#   kinds: [block-storage.snapshot]
#   absent: [block-storage.snapshot, block-storage.volume]
#   requires:
#     block-storage.snapshot: [/volume_id]
#   joins:
#   - {name: volumes, kind: block-storage.volume, key: /volume_id}
#   controls: ['prowler:blockstorage_snapshot_not_orphaned']
#   standard: https://hub.prowler.com/check/blockstorage_snapshot_not_orphaned
#   remediation: >-
#     openstack volume snapshot delete SNAPSHOT, for good, after looking whether anybody
#     needs it.
package prowler.blockstorage_snapshot_not_orphaned

import rego.v1

body := input.resource.body

bad if count(input.joined.volumes) == 0

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.volume_id)
	not bad
}

violations contains {
	"message": sprintf("volume `%v` of the snapshot does not exist", [body.volume_id]),
	"path": "/volume_id",
	"found": body.volume_id,
	"wanted": "a volume that exists",
} if {
	bad
}
