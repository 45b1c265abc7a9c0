# METADATA
# title: Floating IPs are in use
# description: >-
#   A floating IP without a port was changed within the last `days`. Public addresses are
#   few and paid for; names in DNS may still point to it.
# scope: package
# custom:
#   id: os.network.floating-ip-idle
#   severity: low
#   input: resource
#   kinds: [network.floating_ip]
#   requires:
#     network.floating_ip: [/port_id, /updated_at]
#   time: true
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#floating-ips-floatingips
#   remediation: >-
#     Remove names that point to it, then `openstack floating ip delete ADDRESS`. The
#     address is given to whoever asks next; asking for the same again may fail.
#   parameters:
#     days: 30
package os.network.floating_ip_idle

import rego.v1

import data.os.lib.moment

body := input.resource.body

now := moment.ns(input.now)

due := moment.after(moment.ns(body.updated_at), input.parameters.days)

busy if is_string(body.port_id)

idle if body.port_id == null

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
	"message": sprintf("floating IP %v has had no port for %d days or more", [object.get(body, "floating_ip_address", null), input.parameters.days]),
	"path": "/port_id",
	"found": null,
	"wanted": "a port",
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
