# METADATA
# title: No security group opens databases to the world
# description: >-
#   Databases, caches and search engines are for the servers in front of them; several of
#   these ask for no password unless told to. The whole world counts by whichever way it
#   is let in: no prefix, `0.0.0.0/0` or `::/0`, prefixes that cover it together, address
#   groups.
# scope: package
# custom:
#   id: os.network.sg-db-open-world
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
#       [[1433, 1433], [1521, 1521], [3306, 3306], [5432, 5432], [5984, 5984],
#       [6379, 6379], [8086, 8086], [9042, 9042], [9200, 9200], [11211, 11211],
#       [27017, 27017]]
#     udp: [[11211, 11211]]
package os.network.sg_db_open_world

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
