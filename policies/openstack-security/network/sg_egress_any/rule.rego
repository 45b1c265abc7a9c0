# METADATA
# title: Sensitive projects do not let everything out
# description: >-
#   In the projects of `sensitive_projects` (ids, with `*`) no group lets every protocol
#   go everywhere: whoever breaks into a server there cannot carry off what they find.
#   Without any named, all pass.
# scope: package
# custom:
#   id: os.network.sg-egress-any
#   severity: info
#   input: resource
#   kinds: [openstack.opening]
#   requires:
#     openstack.opening: [/egress]
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack security group rule list --egress GROUP, create rules for what the servers
#     need (DNS, updates, a proxy), then `openstack security group rule delete RULE`. What
#     no rule allows stops working, updates first.
#   parameters:
#     sensitive_projects: []
package os.network.sg_egress_any

import rego.v1

import data.os.lib.names

sensitive if names.listed(input.parameters.sensitive_projects, input.resource.project)

everywhere contains family if some family, _ in input.resource.body.egress

verdict := "pass" if count(everywhere) == 0

verdict := "pass" if {
	is_string(input.resource.project)
	count(everywhere) > 0
	not sensitive
}

verdict := "fail" if {
	sensitive
	count(everywhere) > 0
}

violations contains {
	"message": sprintf("everything may go everywhere over %s", [family]),
	"path": sprintf("/egress/%s", [family]),
	"found": "everything",
	"wanted": "what the servers need",
} if {
	sensitive
	some family in everywhere
}
