# METADATA
# title: Compute instances are not exposed to the internet
# description: >-
#   A public address in any network, and any access address, also a private one.
# scope: package
# custom:
#   id: prowler.compute_instance_public_ip_exposed
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/addresses, /accessIPv4, /accessIPv6]
#   controls: ['prowler:compute_instance_public_ip_exposed']
#   standard: https://hub.prowler.com/check/compute_instance_public_ip_exposed
#   remediation: >-
#     openstack server remove floating ip SERVER ADDRESS, or openstack server set for the
#     access address. Whoever reaches the server by it no longer does.
package prowler.compute_instance_public_ip_exposed

import rego.v1

import data.prowler.lib.address

body := input.resource.body

addresses contains one.addr if {
	some list in body.addresses
	some one in list
}

bad if {
	some ip in addresses
	address.public(ip)
}

bad if body.accessIPv4 != ""

bad if body.accessIPv6 != ""

verdict := "fail" if bad

verdict := "pass" if {
	is_object(body.addresses)
	not bad
}

violations contains {
	"message": "the server has an address of the internet",
	"path": "/addresses",
	"found": concat(", ", sort(addresses | {body.accessIPv4, body.accessIPv6})),
	"wanted": "private addresses only",
} if {
	bad
}
