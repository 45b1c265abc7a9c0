# METADATA
# title: Volumes are in use
# description: >-
#   A volume that is attached to nothing was changed within the last `days`. What lies
#   about for longer is paid for, holds data, and is forgotten.
# scope: package
# custom:
#   id: os.block.volume-unattached
#   severity: low
#   input: resource
#   kinds: [block-storage.volume]
#   requires:
#     block-storage.volume: [/attachments, /created_at, /updated_at]
#   time: true
#   controls: ['prowler:blockstorage_volume_not_unattached']
#   standard: https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes
#   remediation: >-
#     Ask its owner, make a backup (`openstack volume backup create VOLUME`), then
#     `openstack volume delete VOLUME`. What was deleted is gone.
#   parameters:
#     days: 30
package os.block.volume_unattached

import rego.v1

import data.os.lib.moment

body := input.resource.body

now := moment.ns(input.now)

# Updates of a volume that never had one are null.
times contains body.created_at

times contains body.updated_at if is_string(body.updated_at)

readable contains text if {
	some text in times
	moment.readable(text)
}

# Texts of one form sort as the times do.
due := moment.after(moment.ns(max(times)), input.parameters.days) if count(readable) == count(times)

idle if count(body.attachments) == 0

verdict := "pass" if count(body.attachments) > 0

verdict := "pass" if {
	idle
	now < due
}

verdict := "fail" if {
	idle
	now >= due
}

violations contains {
	"message": sprintf("the volume has been attached to nothing for %d days or more", [input.parameters.days]),
	"path": "/attachments",
	"found": [],
	"wanted": "a server",
} if {
	idle
	now >= due
}

changes contains moment.end

changes contains due if {
	idle
	now < due
}

valid_until := time.format(min(changes))
