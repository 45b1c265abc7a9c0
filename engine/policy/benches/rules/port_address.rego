# METADATA
# title: port address
# custom:
#   id: bench.port_address
#   severity: medium
#   input: resource
#   kinds: [network.port]
package bench.port_address

import rego.v1

violations contains {"message": "port allows any address", "path": "/allowed_address_pairs", "found": pair.ip_address, "wanted": "an address"} if {
	some pair in input.resource.body.allowed_address_pairs
	pair.ip_address == "0.0.0.0/0"
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
