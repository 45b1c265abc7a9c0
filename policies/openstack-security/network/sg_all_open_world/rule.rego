# METADATA
# title: No security group lets everything in from everywhere
# description: >-
#   Every protocol and every port from the whole world: the group protects nothing. The
#   whole world counts by whichever way it is let in: no prefix, `0.0.0.0/0` or `::/0`,
#   prefixes that cover it together, address groups.
# scope: package
# custom:
#   id: os.network.sg-all-open-world
#   severity: critical
#   input: resource
#   kinds: [openstack.opening]
#   requires:
#     openstack.opening: [/all]
#   controls: ['prowler:networking_security_group_allows_all_ingress_from_internet']
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack security group rule list --ingress GROUP, then `openstack security group
#     rule delete RULE`, after creating rules for what is wanted (`openstack security
#     group rule create --ingress --protocol tcp --dst-port 443 GROUP`). What no rule
#     allows is cut off, connections that stand included.
package os.network.sg_all_open_world

import rego.v1

import data.os.lib.opening

violations contains {
	"message": sprintf("every protocol and port is open to the whole world over %s, by %s", [family, opening.through(opened)]),
	"path": sprintf("/all/%s", [family]),
	"found": "everything",
	"wanted": "the ports that are served",
} if {
	some family, opened in input.resource.body.all
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
