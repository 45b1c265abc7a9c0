# METADATA
# title: Compute instances are isolated in private networks
# description: >-
#   Every public address fails, also a floating IP, and so does a server without any
#   address. `os.compute.server-mixed-networks` looks for servers on both sides.
# scope: package
# custom:
#   id: prowler.compute_instance_isolated_private_network
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/addresses, /accessIPv4, /accessIPv6]
#   controls: ['prowler:compute_instance_isolated_private_network']
#   standard: https://hub.prowler.com/check/compute_instance_isolated_private_network
#   remediation: >-
#     openstack server remove floating ip SERVER ADDRESS, or another port. Whoever
#     reaches the server by it no longer does.
package prowler.compute_instance_isolated_private_network

import rego.v1

import data.prowler.lib.address

body := input.resource.body

addresses contains one.addr if {
	some list in body.addresses
	some one in list
}

bad if {
	some ip in addresses | {body.accessIPv4, body.accessIPv6}
	address.public(ip)
}

bad if {
	count(addresses) == 0
	is_object(body.addresses)
}

verdict := "fail" if bad

verdict := "pass" if {
	is_object(body.addresses)
	not bad
}

violations contains {
	"message": "the server is not isolated in a private network",
	"path": "/addresses",
	"found": concat(", ", sort(addresses)),
	"wanted": "private addresses only",
} if {
	bad
}
