# METADATA
# title: Volumes have a recent backup
# description: >-
#   An available backup that is no older than `days`. Backups kept outside of Cinder are
#   not seen.
# scope: package
# custom:
#   id: os.block.volume-no-backup
#   severity: medium
#   input: resource
#   kinds: [block-storage.volume]
#   requires:
#     block-storage.volume: [/id]
#     block-storage.backup: [/status, /volume_id]
#   joins:
#   - {name: backups, kind: block-storage.backup, key: /id, field: /volume_id}
#   time: true
#   controls: ['prowler:blockstorage_volume_backup_exists']
#   standard: https://docs.openstack.org/cinder/latest/admin/volume-backups.html
#   remediation: >-
#     openstack volume backup create --force --name NAME VOLUME, and do so regularly
#     (`--incremental` after the first). `--force` copies an attached volume as it is on
#     disk: quiesce databases first. Backups use the customer's quota and the backend's
#     bandwidth.
#   parameters:
#     days: 7
package os.block.volume_no_backup

import rego.v1

import data.os.lib.moment

now := moment.ns(input.now)

since := moment.after(now, 0 - input.parameters.days)

fresh contains made if {
	some backup in input.joined.backups
	backup.status == "available"
	moment.readable(backup.created_at)
	made := moment.ns(backup.created_at)
	made >= since
}

undated contains backup.id if {
	some backup in input.joined.backups
	backup.status == "available"
	made := object.get(backup, "created_at", null)
	not moment.readable(made)
}

verdict := "pass" if count(fresh) > 0

verdict := "fail" if {
	count(fresh) == 0
	count(undated) == 0
}

verdict := "abort" if {
	count(fresh) == 0
	count(undated) > 0
}

reason := sprintf("nobody knows when backup `%s` was made", [min(undated)]) if verdict == "abort"

violations contains {
	"message": sprintf("the volume has no backup of the last %d days", [input.parameters.days]),
	"path": "",
	"found": null,
	"wanted": "a backup with status `available`",
} if {
	verdict == "fail"
}

changes contains moment.end

changes contains moment.after(max(fresh), input.parameters.days) if count(fresh) > 0

valid_until := time.format(min(changes))
