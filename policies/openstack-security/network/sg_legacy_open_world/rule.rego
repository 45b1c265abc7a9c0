# METADATA
# title: No security group opens protocols of old to the world
# description: >-
#   FTP, telnet, TFTP, portmapper, NetBIOS and SMB, LDAP, the r-commands, NFS, and 5000
#   (UPnP, registries and development servers): without encryption, or made for a trusted
#   network. The whole world counts by whichever way it is let in: no prefix, `0.0.0.0/0`
#   or `::/0`, prefixes that cover it together, address groups.
# scope: package
# custom:
#   id: os.network.sg-legacy-open-world
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
#     tcp:
#       [[21, 21], [23, 23], [111, 111], [139, 139], [389, 389], [445, 445], [512, 514],
#       [2049, 2049], [5000, 5000]]
#     udp: [[69, 69], [111, 111], [137, 138], [389, 389], [2049, 2049]]
package os.network.sg_legacy_open_world

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
