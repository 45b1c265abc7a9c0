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
#   kinds: [openstack.addresses]
#   requires:
#     openstack.addresses: [/external, /tenant_id]
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

body := input.resource.body

exempt if body.tenant_id in input.parameters.exempt_projects

violations contains {
	"message": sprintf("the server has the address %s of the internet", [one.addr]),
	"path": one.path,
	"found": one.addr,
	"wanted": "a private address",
} if {
	some one in body.external
	addr := one.addr
	prefixes := input.parameters.internal_prefixes
	not strings.any_prefix_match(addr, prefixes)
	not exempt
}

verdict := "pass" if {
	is_array(body.external)
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0
