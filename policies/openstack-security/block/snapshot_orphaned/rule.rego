# METADATA
# title: Snapshots belong to a volume
# description: >-
#   The volume of the snapshot exists. What is left over holds data that nobody feels
#   answerable for.
# scope: package
# custom:
#   id: os.block.snapshot-orphaned
#   severity: low
#   input: resource
#   kinds: [block-storage.snapshot]
#   requires:
#     block-storage.snapshot: [/volume_id]
#   joins:
#   - {name: volumes, kind: block-storage.volume, key: /volume_id}
#   controls: ['prowler:blockstorage_snapshot_not_orphaned']
#   standard: https://docs.openstack.org/api-ref/block-storage/v3/#volume-snapshots-snapshots
#   remediation: >-
#     openstack volume snapshot delete SNAPSHOT, as its owner, after `openstack volume
#     snapshot show SNAPSHOT` and asking them. If the backend no longer has it: `cinder
#     snapshot-reset-state --state error SNAPSHOT` first. What was deleted is gone.
package os.block.snapshot_orphaned

import rego.v1

body := input.resource.body

verdict := "pass" if count(input.joined.volumes) > 0

verdict := "fail" if {
	is_string(body.volume_id)
	count(input.joined.volumes) == 0
}

violations contains {
	"message": sprintf("the volume `%s` of the snapshot does not exist", [body.volume_id]),
	"path": "/volume_id",
	"found": body.volume_id,
	"wanted": "a volume that exists",
} if {
	count(input.joined.volumes) == 0
}
