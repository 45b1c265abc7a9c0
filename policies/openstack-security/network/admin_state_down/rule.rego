# METADATA
# title: Networks are up or gone
# description: >-
#   A network whose administrative state is down was changed within the last `days`. What
#   is switched off for longer is forgotten, and comes back with whoever switches it on.
# scope: package
# custom:
#   id: os.network.admin-state-down
#   severity: low
#   input: resource
#   kinds: [network.network]
#   requires:
#     network.network: [/admin_state_up, /updated_at]
#   time: true
#   controls: ['prowler:networking_admin_state_down']
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#networks
#   remediation: >-
#     openstack network set --enable NETWORK, or `openstack network delete NETWORK` once
#     its ports are gone. Enabling it connects again whatever is still attached.
#   parameters:
#     days: 7
package os.network.admin_state_down

import rego.v1

import data.os.lib.moment

body := input.resource.body

now := moment.ns(input.now)

due := moment.after(moment.ns(body.updated_at), input.parameters.days)

busy if body.admin_state_up == true

idle if body.admin_state_up == false

verdict := "pass" if busy

verdict := "pass" if {
	idle
	now < due
}

verdict := "fail" if {
	idle
	now >= due
}

violations contains {
	"message": sprintf("the network has been down for %d days or more", [input.parameters.days]),
	"path": "/admin_state_up",
	"found": false,
	"wanted": true,
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
