# METADATA
# title: Backups succeed
# description: >-
#   No backup has status `error` or `error_deleting`. Who believes to have one finds out
#   when it is needed.
# scope: package
# custom:
#   id: os.block.backup-error
#   severity: medium
#   input: resource
#   kinds: [block-storage.backup]
#   requires:
#     block-storage.backup: [/status]
#   standard: https://docs.openstack.org/api-ref/block-storage/v3/#backups-backups
#   remediation: >-
#     Read `openstack volume backup show BACKUP` (fail_reason) and the log of
#     cinder-backup, mend the cause, make a new backup, then `openstack volume backup
#     delete --force BACKUP`. Later incremental backups depend on it: `openstack volume
#     backup list --volume VOLUME` first.
package os.block.backup_error

import rego.v1

body := input.resource.body

broken if startswith(body.status, "error")

verdict := "fail" if broken

verdict := "pass" if {
	is_string(body.status)
	not broken
}

violations contains {
	"message": sprintf("the backup of volume `%v` has status `%s`", [object.get(body, "volume_id", null), body.status]),
	"path": "/status",
	"found": body.status,
	"wanted": "available",
} if {
	broken
}
