# METADATA
# title: sg world
# custom:
#   id: bench.sg_world
#   severity: medium
#   input: resource
#   kinds: [network.security_group]
package bench.sg_world

import rego.v1

open_ports := {22, 3389}
violations contains {"message": sprintf("port %d is open to the world", [p]), "path": "/security_group_rules", "found": r.remote_ip_prefix, "wanted": "a network"} if {
	some r in input.resource.body.security_group_rules
	r.direction == "ingress"
	r.remote_ip_prefix == "0.0.0.0/0"
	some p in open_ports
	r.port_range_min <= p
	r.port_range_max >= p
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
