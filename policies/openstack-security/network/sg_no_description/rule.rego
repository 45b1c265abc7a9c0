# METADATA
# title: Security groups say what they are for
# description: >-
#   A group has a description. Nobody dares to remove a rule of a group whose purpose is
#   not known.
# scope: package
# custom:
#   id: os.network.sg-no-description
#   severity: info
#   input: resource
#   kinds: [network.security_group]
#   requires:
#     network.security_group: [/description]
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#security-groups-security-groups
#   remediation: >-
#     openstack security group set --description "what for, and who to ask" GROUP. It
#     breaks nothing.
package os.network.sg_no_description

import rego.v1

body := input.resource.body

empty if trim_space(body.description) == ""

verdict := "fail" if empty

verdict := "pass" if {
	is_string(body.description)
	not empty
}

violations contains {
	"message": "the security group has no description",
	"path": "/description",
	"found": body.description,
	"wanted": "what it is for",
} if {
	empty
}
