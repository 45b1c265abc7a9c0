# METADATA
# title: Servers have no address of the internet
# description: >-
#   A floating, fixed or access address outside the private ranges. Which ports of it the
#   world reaches is judged by the rules on ports and security groups. Ranges that only look
#   public may stand in `internal_prefixes`, as the beginnings of their addresses
#   (`198.18.`); projects that offer services to the internet in `exempt_projects` (ids).
# scope: package
# custom:
#   id: os.compute.server-public-ip
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/addresses, /accessIPv4, /accessIPv6, /tenant_id]
#   controls: ['prowler:compute_instance_public_ip_exposed']
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack server remove floating ip SERVER ADDRESS, with a load balancer or a bastion in
#     its place. Whoever reaches the server by that address no longer does.
#   parameters:
#     internal_prefixes: []
#     exempt_projects: []
package os.compute.server_public_ip

import rego.v1

import data.os.lib.address

body := input.resource.body

exempt if body.tenant_id in input.parameters.exempt_projects

violations contains violation(ip, sprintf("/addresses/%s", [network])) if {
	some network, list in body.addresses
	is_array(list)
	some one in list
	ip := one.addr
	prefixes := input.parameters.internal_prefixes
	not address.internal(ip, prefixes)
	not exempt
}

violations contains violation(body.accessIPv4, "/accessIPv4") if {
	body.accessIPv4 != ""
	shown(body.accessIPv4)
}

violations contains violation(body.accessIPv6, "/accessIPv6") if {
	body.accessIPv6 != ""
	shown(body.accessIPv6)
}

shown(ip) if {
	prefixes := input.parameters.internal_prefixes
	not address.internal(ip, prefixes)
	not exempt
}

violation(ip, path) := {
	"message": sprintf("the server has the address %s of the internet", [ip]),
	"path": path,
	"found": ip,
	"wanted": "a private address",
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

verdict := "pass" if {
	is_object(body.addresses)
	count(unreadable) == 0
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0
