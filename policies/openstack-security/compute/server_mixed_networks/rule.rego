# METADATA
# title: Servers are not on public and private networks at once
# description: >-
#   A server with fixed addresses on both sides leads around every firewall between them. Such
#   servers are routers and gateways; their projects may stand in `exempt_projects` (ids).
#   Floating IPs do not count: the address of the server stays private.
# scope: package
# custom:
#   id: os.compute.server-mixed-networks
#   severity: medium
#   input: resource
#   kinds: [openstack.addresses]
#   requires:
#     openstack.addresses: [/external, /internal, /tenant_id]
#   controls: ['prowler:compute_instance_isolated_private_network']
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack server remove port SERVER PORT for one of the sides; a floating IP or a load
#     balancer reaches a private server as well. Connections by the removed port break.
#   parameters:
#     internal_prefixes: []
#     exempt_projects: []
package os.compute.server_mixed_networks

import rego.v1

body := input.resource.body

exempt if body.tenant_id in input.parameters.exempt_projects

# Fixed addresses of the internet.
outside contains addr if {
	some one in body.external
	one.type == "fixed"
	addr := one.addr
	prefixes := input.parameters.internal_prefixes
	not strings.any_prefix_match(addr, prefixes)
}

# And all others.
inside contains addr if some addr in body.internal

inside contains addr if {
	some one in body.external
	one.type == "fixed"
	addr := one.addr
	strings.any_prefix_match(addr, input.parameters.internal_prefixes)
}

mixed if {
	count(outside) > 0
	count(inside) > 0
}

verdict := "pass" if exempt

verdict := "pass" if {
	is_array(body.external)
	is_array(body.internal)
	not exempt
	not mixed
}

verdict := "fail" if {
	mixed
	not exempt
}

violations contains {
	"message": sprintf("the server has public (%s) and private (%s) fixed addresses", [
		concat(", ", sort(outside)),
		concat(", ", sort(inside)),
	]),
	"path": "/addresses",
	"found": concat(", ", sort(outside | inside)),
	"wanted": "one side",
} if {
	verdict == "fail"
}
