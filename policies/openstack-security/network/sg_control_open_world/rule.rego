# METADATA
# title: No security group opens means of control to the world
# description: >-
#   Docker, etcd, the kubelet, WinRM, VNC and IPMI: whoever is let in there owns the
#   machine. The API of Kubernetes has a rule of its own. The whole world counts by
#   whichever way it is let in: no prefix, `0.0.0.0/0` or `::/0`, prefixes that cover it
#   together, address groups.
# scope: package
# custom:
#   id: os.network.sg-control-open-world
#   severity: high
#   input: resource
#   kinds: [openstack.opening]
#   requires:
#     openstack.opening: [/tcp, /udp]
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack security group rule list --ingress GROUP, `openstack security group rule
#     delete RULE`, and `openstack security group rule create --ingress --protocol tcp
#     --dst-port PORT --remote-ip PREFIX GROUP` for those who need it. Who comes from
#     elsewhere is cut off, connections that stand included.
#   parameters:
#     tcp: [[2375, 2376], [2379, 2380], [5900, 5999], [5985, 5986], [10250, 10250]]
#     udp: [[623, 623]]
package os.network.sg_control_open_world

import rego.v1

import data.os.lib.opening

violations contains opening.violation("tcp", range, span) if {
	some range in input.resource.body.tcp
	some span in input.parameters.tcp
	opening.meets(range, span)
}

violations contains opening.violation("udp", range, span) if {
	some range in input.resource.body.udp
	some span in input.parameters.udp
	opening.meets(range, span)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
