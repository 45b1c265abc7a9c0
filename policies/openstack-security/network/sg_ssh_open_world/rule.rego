# METADATA
# title: No security group opens SSH to the world
# description: >-
#   Whoever finds it tries passwords and exploits; a bastion or VPN keeps them away. The
#   whole world counts by whichever way it is let in: no prefix, `0.0.0.0/0` or `::/0`,
#   prefixes that cover it together, address groups.
# scope: package
# custom:
#   id: os.network.sg-ssh-open-world
#   severity: high
#   input: resource
#   kinds: [openstack.opening]
#   requires:
#     openstack.opening: [/tcp]
#   controls: ['prowler:networking_security_group_allows_ssh_from_internet']
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack security group rule list --ingress GROUP, `openstack security group rule
#     delete RULE`, and `openstack security group rule create --ingress --protocol tcp
#     --dst-port 22 --remote-ip PREFIX GROUP` for those who need it. Who comes from
#     elsewhere is cut off, connections that stand included.
#   parameters:
#     tcp: [[22, 22]]
package os.network.sg_ssh_open_world

import rego.v1

import data.os.lib.opening

violations contains opening.violation("tcp", range, span) if {
	some range in input.resource.body.tcp
	some span in input.parameters.tcp
	opening.meets(range, span)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
