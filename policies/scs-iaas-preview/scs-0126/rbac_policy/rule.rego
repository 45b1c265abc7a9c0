# METADATA
# title: Users cannot share networks with other projects
# description: >-
#   scs-0126-v1, "RBAC Restrictions": Neutron's policy should leave `create_rbac_policy` to
#   administrators, so that nobody shares a false provider network. Without the rule
#   anybody may. Rules of other names that admit administrators only are not followed.
# scope: package
# custom:
#   id: scs-preview-0126-rbac-policy
#   severity: low
#   input: collection
#   per: subject
#   kinds: [config.policy]
#   requires:
#     config.policy: [/service, /file, /rules]
#   standard: https://docs.scs.community/standards/scs-0126-v1-provider-networks#rbac-restrictions
#   remediation: 'Set "create_rbac_policy": "rule:admin_only" in Neutron''s policy.yaml.'
#   parameters:
#     admin_rules: ["rule:admin_only", "rule:context_is_admin", "rule:admin_api", "role:admin", "!"]
package scs_preview.scs_0126.rbac_policy

import rego.v1

policies := input.resources["config.policy"]

files := {p.key: p | some p in policies; p.body.service == "neutron"}

texts := {key: text | some key, p in files; text := p.body.rules.create_rbac_policy}

wrong := {key: text |
	some key, text in texts
	count({trim_space(text)} & {r | some r in input.parameters.admin_rules}) == 0
}

readable if {
	count([1 | some p in files; is_object(p.body.rules) == true]) == count(files)
	count([1 | some text in texts; is_string(text) == true]) == count(texts)
}

verdict := "abort" if count(policies) == 0

reason := "no policy of any service is among the configuration files" if count(policies) == 0

verdict := "pass" if {
	readable
	count(texts) > 0
	count(wrong) == 0
}

verdict := "fail" if {
	readable
	count(policies) > 0
	count(texts) == 0
}

verdict := "fail" if {
	readable
	count(wrong) > 0
}

violations contains {
	"message": "the policy of Neutron has no rule `create_rbac_policy`, so that any user may share",
	"path": "/rules/create_rbac_policy",
	"found": null,
	"wanted": "rule:admin_only",
} if {
	verdict == "fail"
	count(texts) == 0
}

violations contains {
	"resource": key,
	"message": sprintf("%s of Neutron: `create_rbac_policy` is `%s`", [files[key].body.file, text]),
	"path": "/rules/create_rbac_policy",
	"found": text,
	"wanted": "rule:admin_only",
} if {
	verdict == "fail"
	some key, text in wrong
}
