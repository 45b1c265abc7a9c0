# METADATA
# title: Ports may not send under any address
# description: >-
#   An allowed address pair is longer than /`ipv4` or /`ipv6`. A pair such as `0.0.0.0/0`
#   is port security off by another name: the server may take the address of any other,
#   also those of the gateway, and answer in its place.
# scope: package
# custom:
#   id: os.network.allowed-address-pairs-any
#   severity: high
#   input: resource
#   kinds: [network.port]
#   requires:
#     network.port: [/allowed_address_pairs]
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#allowed-address-pairs
#   remediation: >-
#     openstack port unset --allowed-address ip-address=PREFIX PORT, then `openstack port
#     set --allowed-address ip-address=ADDRESS PORT` with the addresses that are needed
#     (the virtual IP of keepalived, the pod networks of a cluster). What is sent under
#     others is dropped at once.
#   parameters:
#     ipv4: 8
#     ipv6: 16
package os.network.allowed_address_pairs_any

import rego.v1

body := input.resource.body

violations contains violation(pair.ip_address) if {
	some pair in body.allowed_address_pairs
	parts := split(pair.ip_address, "/")
	address := parts[0]
	not contains(address, ":")
	to_number(parts[1]) <= input.parameters.ipv4
}

violations contains violation(pair.ip_address) if {
	some pair in body.allowed_address_pairs
	parts := split(pair.ip_address, "/")
	contains(parts[0], ":")
	to_number(parts[1]) <= input.parameters.ipv6
}

violation(prefix) := {
	"message": sprintf("the port may send under any address of `%s`", [prefix]),
	"path": "/allowed_address_pairs",
	"found": prefix,
	"wanted": "the addresses that are needed",
}

unreadable contains text if {
	some pair in body.allowed_address_pairs
	text := sprintf("%v", [object.get(pair, "ip_address", null)])
	not regex.match(`^[0-9a-fA-F.:]+(/[0-9]+)?$`, text)
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_array(body.allowed_address_pairs)
	count(violations) == 0
	count(unreadable) == 0
}
