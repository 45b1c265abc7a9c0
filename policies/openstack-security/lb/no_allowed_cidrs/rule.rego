# METADATA
# title: Load balancers limit who reaches ports of administration
# description: >-
#   A listener on one of `ports` has `allowed_cidrs`, and none that is shorter than /8, or /16
#   of IPv6: `2000::/3` is the whole internet too. Security groups of the members do not help:
#   they see the load balancer's address.
# scope: package
# custom:
#   id: os.lb.no-allowed-cidrs
#   severity: medium
#   input: resource
#   kinds: [load-balancer.listener]
#   absent: [load-balancer.listener]
#   requires:
#     load-balancer.listener: [/protocol_port, /allowed_cidrs]
#   standard: https://docs.openstack.org/api-ref/load-balancer/v2/index.html#listeners
#   remediation: >-
#     openstack loadbalancer listener set --allowed-cidr PREFIX LISTENER, once for each
#     network. Who comes from elsewhere is cut off; health checks are not.
#   parameters:
#     ports: [22, 3389, 3306, 5432, 6379, 6443, 9200, 2379, 5985, 5986, 27017]
package os.lb.no_allowed_cidrs

import rego.v1

body := input.resource.body

watched if body.protocol_port in input.parameters.ports

# Octavia keeps prefixes as they were written, also `192.0.2.7/0`.
wide contains prefix if {
	some prefix in body.allowed_cidrs
	is_string(prefix)
	regex.match(`^[0-9.]+/0*[0-7]$`, prefix)
}

wide contains prefix if {
	some prefix in body.allowed_cidrs
	is_string(prefix)
	regex.match(`^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/0*([0-9]|1[0-5])$`, prefix)
}

# Such as `0.0.0.0/0.0.0.0`.
unreadable contains text if {
	some prefix in body.allowed_cidrs
	text := sprintf("%v", [prefix])
	not regex.match(`^[0-9a-fA-F:.]+(/[0-9]+)?$`, text)
}

open if body.allowed_cidrs == null

open if {
	is_array(body.allowed_cidrs)
	count(body.allowed_cidrs) == 0
}

open if {
	is_array(body.allowed_cidrs)
	count(wide) > 0
}

limited if is_array(body.allowed_cidrs)

verdict := "pass" if {
	is_number(body.protocol_port)
	not watched
}

verdict := "pass" if {
	watched
	limited
	not open
	count(unreadable) == 0
}

verdict := "abort" if {
	watched
	limited
	not open
	count(unreadable) > 0
}

reason := sprintf("how many addresses `%s` are is not read", [min(unreadable)]) if verdict == "abort"

verdict := "fail" if {
	watched
	open
}

violations contains {
	"message": sprintf("everybody may connect to port %d", [body.protocol_port]),
	"path": "/allowed_cidrs",
	"found": body.allowed_cidrs,
	"wanted": "the networks that administer it",
} if {
	watched
	open
}
