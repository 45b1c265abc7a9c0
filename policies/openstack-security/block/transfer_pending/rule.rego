# METADATA
# title: Transfers of volumes are not left open
# description: >-
#   A transfer is accepted or withdrawn within `days`. Until then whoever has its key may
#   take the volume into another project.
# scope: package
# custom:
#   id: os.block.transfer-pending
#   severity: medium
#   input: resource
#   kinds: [block-storage.transfer]
#   requires:
#     block-storage.transfer: [/created_at]
#   time: true
#   standard: https://docs.openstack.org/api-ref/block-storage/v3/#volume-transfers-volume-transfers-3-55-or-later
#   remediation: >-
#     openstack volume transfer request delete TRANSFER. The receiver can no longer accept
#     it; start a new one when both are ready.
#   parameters:
#     days: 1
package os.block.transfer_pending

import rego.v1

import data.os.lib.moment

body := input.resource.body

now := moment.ns(input.now)

due := moment.after(moment.ns(body.created_at), input.parameters.days)

accepted if body.accepted == true

verdict := "pass" if accepted

verdict := "pass" if {
	not accepted
	now < due
}

verdict := "fail" if {
	not accepted
	now >= due
}

violations contains {
	"message": sprintf("the transfer of volume `%v` has been open since %s", [object.get(body, "volume_id", null), body.created_at]),
	"path": "/created_at",
	"found": body.created_at,
	"wanted": sprintf("accepted or deleted within %v days", [input.parameters.days]),
} if {
	not accepted
	now >= due
}

changes contains moment.end

changes contains due if {
	not accepted
	now < due
}

valid_until := time.format(min(changes))
