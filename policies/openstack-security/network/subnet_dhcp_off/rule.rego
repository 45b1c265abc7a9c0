# METADATA
# title: Subnets hand out addresses
# description: >-
#   DHCP is on. Where it is off, servers are given addresses by hand, and Neutron drops
#   what they send under others.
# scope: package
# custom:
#   id: os.network.subnet-dhcp-off
#   severity: info
#   input: resource
#   kinds: [network.subnet]
#   requires:
#     network.subnet: [/enable_dhcp]
#   controls: ['prowler:networking_subnet_dhcp_disabled']
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#subnets
#   remediation: >-
#     openstack subnet set --dhcp SUBNET, unless addresses are configured otherwise
#     (external networks need none, config drives may do). Neutron takes an address of the
#     subnet for its agents.
package os.network.subnet_dhcp_off

import rego.v1

body := input.resource.body

verdict := "pass" if body.enable_dhcp == true

verdict := "fail" if body.enable_dhcp == false

violations contains {
	"message": sprintf("DHCP is off in subnet %v", [object.get(body, "cidr", null)]),
	"path": "/enable_dhcp",
	"found": false,
	"wanted": true,
} if {
	body.enable_dhcp == false
}
