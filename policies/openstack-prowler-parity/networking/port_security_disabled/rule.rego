# METADATA
# title: Port security is enabled on networks and ports
# description: >-
#   Ports of Neutron's own (DHCP, routers, load balancers) fail too, and where the
#   extension is missing everything does. `os.network.port-security-off` looks at
#   servers' ports.
# scope: package
# custom:
#   id: prowler.networking_port_security_disabled
#   severity: high
#   input: resource
#   kinds: [network.network, network.port]
#   requires:
#     network.network: [/id]
#     network.port: [/id]
#   controls: ['prowler:networking_port_security_disabled']
#   standard: https://hub.prowler.com/check/networking_port_security_disabled
#   remediation: >-
#     openstack port set --enable-port-security PORT, with the security groups that it
#     needs; openstack network set --enable-port-security NETWORK for new ones. Addresses
#     that are not the port's own are blocked then.
package prowler.networking_port_security_disabled

import rego.v1

body := input.resource.body

secure := object.get(body, "port_security_enabled", null)

bad if secure == false

bad if secure == null

verdict := "fail" if bad

verdict := "pass" if {
	secure == true
	not bad
}

violations contains {
	"message": "port security is off",
	"path": "/port_security_enabled",
	"found": secure,
	"wanted": true,
} if {
	bad
}
