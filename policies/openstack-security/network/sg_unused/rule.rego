# METADATA
# title: Security groups are used
# description: >-
#   Some port has the group, unless it is `default`, which cannot be deleted. Groups that
#   nothing uses are taken by the next one who looks for a name, with rules that nobody
#   remembers.
# scope: package
# custom:
#   id: os.network.sg-unused
#   severity: info
#   input: resource
#   kinds: [network.security_group]
#   requires:
#     network.security_group: [/id, /name]
#     network.port: [/security_groups]
#   joins:
#   - {name: ports, kind: network.port, key: /id, field: /security_groups}
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#security-groups-security-groups
#   remediation: >-
#     openstack security group delete GROUP. Neutron refuses it while a port or a rule of
#     another group names it; templates of Heat or Terraform may want it again.
package os.network.sg_unused

import rego.v1

body := input.resource.body

used if body.name == "default"

used if count(input.joined.ports) > 0

verdict := "pass" if used

verdict := "fail" if {
	is_string(body.name)
	not used
}

violations contains {
	"message": sprintf("no port has the security group `%s`", [body.name]),
	"path": "",
	"found": 0,
	"wanted": "a port",
} if {
	is_string(body.name)
	not used
}
