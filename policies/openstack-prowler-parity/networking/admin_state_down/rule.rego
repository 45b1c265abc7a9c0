# METADATA
# title: Networks are administratively enabled
# description: >-
#   A network that somebody shut off on purpose fails at once.
#   `os.network.admin-state-down` waits for some days.
# scope: package
# custom:
#   id: prowler.networking_admin_state_down
#   severity: medium
#   input: resource
#   kinds: [network.network]
#   requires:
#     network.network: [/admin_state_up]
#   controls: ['prowler:networking_admin_state_down']
#   standard: https://hub.prowler.com/check/networking_admin_state_down
#   remediation: >-
#     openstack network set --enable NETWORK.
package prowler.networking_admin_state_down

import rego.v1

body := input.resource.body

bad if body.admin_state_up == false

verdict := "fail" if bad

verdict := "pass" if {
	body.admin_state_up == true
	not bad
}

violations contains {
	"message": "the network is shut off",
	"path": "/admin_state_up",
	"found": false,
	"wanted": true,
} if {
	bad
}
