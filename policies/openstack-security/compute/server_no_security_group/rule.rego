# METADATA
# title: Servers have a security group
# description: >-
#   A server without a security group whose ports have port security: nothing is let in by
#   rule, and whoever mends that by hand switches port security off. Servers without such a
#   port pass.
# scope: package
# custom:
#   id: os.compute.server-no-security-group
#   severity: high
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/id, /addresses]
#     network.port: [/device_id]
#   joins:
#   - {name: ports, kind: network.port, key: /id, field: /device_id}
#   controls: ['prowler:compute_instance_security_groups_attached']
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack server add security group SERVER GROUP. What the group does not let in is
#     refused; what it lets in begins to work.
package os.compute.server_no_security_group

import rego.v1

# Nova leaves the member out where there are none.
groups := object.get(input.resource.body, "security_groups", [])

bare if count(groups) == 0

guarded if {
	some port in input.joined.ports
	object.get(port, "port_security_enabled", true) == true
}

# What has addresses has ports.
lost if {
	count(input.joined.ports) == 0
	count(input.resource.body.addresses) > 0
}

verdict := "pass" if count(groups) > 0

verdict := "pass" if {
	bare
	not guarded
	not lost
}

verdict := "abort" if {
	bare
	lost
}

reason := "the ports of its addresses are not in the snapshot, so nobody knows whether they take groups" if lost

verdict := "fail" if {
	bare
	guarded
}

violations contains {
	"message": "the server has no security group",
	"path": "/security_groups",
	"found": groups,
	"wanted": "a security group",
} if {
	verdict == "fail"
}
