# METADATA
# title: DHCP is enabled on subnets
# description: >-
#   Wrong for a provider: transit and external subnets have none on purpose.
# scope: package
# custom:
#   id: prowler.networking_subnet_dhcp_disabled
#   severity: medium
#   input: resource
#   kinds: [network.subnet]
#   requires:
#     network.subnet: [/enable_dhcp]
#   controls: ['prowler:networking_subnet_dhcp_disabled']
#   standard: https://hub.prowler.com/check/networking_subnet_dhcp_disabled
#   remediation: >-
#     openstack subnet set --dhcp SUBNET. Neutron then answers DHCP in the network,
#     beside any other server.
package prowler.networking_subnet_dhcp_disabled

import rego.v1

body := input.resource.body

bad if body.enable_dhcp == false

verdict := "fail" if bad

verdict := "pass" if {
	body.enable_dhcp == true
	not bad
}

violations contains {
	"message": "DHCP is off",
	"path": "/enable_dhcp",
	"found": false,
	"wanted": true,
} if {
	bad
}
