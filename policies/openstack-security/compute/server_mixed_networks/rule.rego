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
#   kinds: [compute.server]
#   requires:
#     compute.server: [/addresses, /tenant_id]
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

import data.os.lib.address

body := input.resource.body

exempt if body.tenant_id in input.parameters.exempt_projects

fixed contains ip if {
	some list in body.addresses
	is_array(list)
	some one in list
	ip := one.addr
	object.get(one, "OS-EXT-IPS:type", "fixed") == "fixed"
}

outside contains ip if {
	some list in body.addresses
	is_array(list)
	some one in list
	object.get(one, "OS-EXT-IPS:type", "fixed") == "fixed"
	ip := one.addr
	prefixes := input.parameters.internal_prefixes
	not address.internal(ip, prefixes)
}

inside contains ip if {
	some ip in fixed
	address.internal(ip, input.parameters.internal_prefixes)
}

# An IPv6 link is often both private and global; families are not mixed.
mixed if {
	count(outside) > 0
	count(inside) > 0
}

# An address that cannot be read may be any.
unreadable contains network if {
	some network, list in body.addresses
	is_array(list)
	some one in list
	ip := object.get(one, "addr", null)
	not is_string(ip)
}

unreadable contains network if {
	some network, list in body.addresses
	not is_array(list)
}

verdict := "pass" if exempt

verdict := "pass" if {
	is_object(body.addresses)
	count(unreadable) == 0
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
	"found": concat(", ", sort(fixed)),
	"wanted": "one side",
} if {
	verdict == "fail"
}
