# METADATA
# title: Block storage volumes have at least one backup
# description: >-
#   Any backup counts, whatever its age and status: one in error passes.
#   `os.block.volume-no-backup` looks at both.
# scope: package
# custom:
#   id: prowler.blockstorage_volume_backup_exists
#   severity: medium
#   input: resource
#   kinds: [block-storage.volume]
#   absent: [block-storage.volume, block-storage.backup]
#   requires:
#     block-storage.volume: [/id]
#     block-storage.backup: [/volume_id]
#   joins:
#   - {name: backups, kind: block-storage.backup, key: /id, field: /volume_id}
#   controls: ['prowler:blockstorage_volume_backup_exists']
#   standard: https://hub.prowler.com/check/blockstorage_volume_backup_exists
#   remediation: >-
#     openstack volume backup create VOLUME; a snapshot of a volume in use with --force.
#     The backup takes space and bandwidth.
package prowler.blockstorage_volume_backup_exists

import rego.v1

body := input.resource.body

bad if count(input.joined.backups) == 0

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.id)
	not bad
}

violations contains {
	"message": "the volume has no backup",
	"path": "",
	"found": null,
	"wanted": "a backup",
} if {
	bad
}
