# METADATA
# title: Compute instances have security groups attached
# description: >-
#   Servers whose ports have no port security, such as routers, fail.
#   `os.compute.server-no-security-group` looks at the ports.
# scope: package
# custom:
#   id: prowler.compute_instance_security_groups_attached
#   severity: high
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/id]
#   controls: ['prowler:compute_instance_security_groups_attached']
#   standard: https://hub.prowler.com/check/compute_instance_security_groups_attached
#   remediation: >-
#     openstack server add security group SERVER GROUP.
package prowler.compute_instance_security_groups_attached

import rego.v1

body := input.resource.body

groups := object.get(body, "security_groups", [])

bad if count(groups) == 0

verdict := "fail" if bad

verdict := "pass" if {
	count(groups) > 0
	not bad
}

violations contains {
	"message": "the server has no security group",
	"path": "/security_groups",
	"found": [],
	"wanted": "a security group",
} if {
	bad
}
