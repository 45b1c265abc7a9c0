# METADATA
# title: The role `manager` exists
# description: >-
#   scs-0302-v1, "Decision": a role named `manager` is present in the identity service. A
#   role of one domain is not meant.
# scope: package
# custom:
#   id: scs-strict-0302-manager-role
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [identity.role]
#   requires:
#     identity.role: [/name, /domain_id]
#   standard: https://docs.scs.community/standards/scs-0302-v1-domain-manager-role#decision
#   remediation: "openstack role create manager"
package scs_strict.scs_0302.manager_role

import rego.v1

roles := input.resources["identity.role"]

names := {r.body.name | some r in roles; r.body.domain_id == null}

verdict := "pass" if {
	some name in names
	lower(name) == "manager"
}

verdict := "fail" if {
	count(roles) > 0
	count({lower(name) | some name in names} & {"manager"}) == 0
}

verdict := "abort" if count(roles) == 0

reason := "Keystone shows no role at all" if count(roles) == 0

violations contains {
	"message": "Keystone has no role `manager`",
	"path": "",
	"found": sort(names),
	"wanted": "manager",
} if {
	verdict == "fail"
}
