# METADATA
# title: Ports of servers are guarded
# description: >-
#   Port security is on at every port of a server or of nothing yet, and at networks,
#   whose new ports take it from there. Without it neither security groups nor the check
#   against forged addresses apply.
# scope: package
# custom:
#   id: os.network.port-security-off
#   severity: high
#   input: resource
#   kinds: [network.port, network.network]
#   requires:
#     network.port: [/port_security_enabled, /device_owner]
#     network.network: [/port_security_enabled]
#   controls: ['prowler:networking_port_security_disabled']
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#port-security
#   remediation: >-
#     openstack port set --enable-port-security PORT (and `--security-group GROUP`),
#     `openstack network set --enable-port-security NETWORK`. Servers that route or
#     balance for others (firewalls, keepalived) lose what they forward: give them
#     `--allowed-address PREFIX` first.
package os.network.port_security_off

import rego.v1

body := input.resource.body

guarded if body.port_security_enabled == true

off if body.port_security_enabled == false

judged if input.resource.kind == "network.network"

judged if startswith(body.device_owner, "compute:")

judged if body.device_owner == ""

# A network that a server has by a trunk.
judged if body.device_owner == "trunk:subport"

verdict := "pass" if guarded

verdict := "pass" if {
	off
	is_string(body.device_owner)
	not judged
}

verdict := "fail" if {
	off
	judged
}

violations contains {
	"message": "port security is off",
	"path": "/port_security_enabled",
	"found": false,
	"wanted": true,
} if {
	off
	judged
}
