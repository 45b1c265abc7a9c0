# METADATA
# title: Keystone's policy keeps domain managers to their domain
# description: >-
#   scs-0302-v1 and its implementation notes. In every release `is_domain_managed_role`, if
#   set, lists roles literally (`'member':%(target.role.name)s or ..`), without `rule:` and
#   without admin. From 2024.2 on nothing else of the earlier policy is left. Before,
#   policy.yaml has to define domain managers and to admit them, within their domain, to
#   each operation on users, projects, groups and assignments. What the rules mean beyond
#   that takes a trial with accounts of two domains.
# scope: package
# custom:
#   id: scs-strict-0302-policy
#   severity: high
#   input: collection
#   per: subject
#   kinds: [config.policy]
#   requires:
#     config.policy: [/service, /file, /rules]
#   standard: https://docs.scs.community/standards/scs-0302-w1-domain-manager-implementation-notes
#   remediation: >-
#     From 2024.2 on: remove the rule from Keystone's policy.yaml. Before: take the policy
#     of the implementation notes into it unchanged, and list the roles that domain
#     managers may assign in `is_domain_managed_role`.
#   parameters:
#     keystone_release: ""
package scs_strict.scs_0302.policy

import rego.v1

import data.scs_strict.lib.release

native := release.native_domain_manager(input.parameters.keystone_release)

files := {p.key: p | some p in input.resources["config.policy"]; p.body.service == "keystone"}

# {[key of the file, rule]: text}
rules[[key, name]] := text if {
	some key, p in files
	some name, text in p.body.rules
}

readable if {
	count([1 | some p in files; is_object(p.body.rules) == true]) == count(files)
	count([1 | some text in rules; is_string(text) == true]) == count(rules)
}

# What stood in the policy that the standard had before Keystone could do it itself.
helpers := {
	"is_domain_manager",
	"is_domain_user_project_grant",
	"is_domain_group_project_grant",
	"is_domain_level_group_grant",
	"is_domain_level_user_grant",
	"domain_manager_grant",
}

# Operations, each with what its rule has to refer to.
own := `rule:is_domain_manager([^a-z_]|$)`

grant := `rule:domain_manager_grant([^a-z_]|$)`

here := `token\.domain\.id:%\(target\.`

managed := `rule:is_domain_managed_role([^a-z_]|$)`

# What a pattern looks for, for people.
meant := {
	own: "rule:is_domain_manager",
	grant: "rule:domain_manager_grant",
	here: "token.domain.id:%(target...)s",
	managed: "rule:is_domain_managed_role",
}

listing := {op: [own] | some op in ["list_domains", "list_roles"]}

within := {op: [own, here] |
	some op in [
		"list_users", "get_user", "create_user", "update_user", "delete_user",
		"list_projects", "get_project", "create_project", "update_project", "delete_project", "list_user_projects",
		"list_role_assignments",
		"list_groups", "get_group", "create_group", "update_group", "delete_group",
		"list_groups_for_user", "list_users_in_group",
		"remove_user_from_group", "check_user_in_group", "add_user_to_group",
	]
}

granting := {
	"get_role": [own, managed],
	"check_grant": [grant],
	"list_grants": [grant],
	"create_grant": [grant, managed],
	"revoke_grant": [grant, managed],
}

operations := object.union(object.union(listing, within), granting)

managed_roles := {at: [trim_space(term) | some term in split(text, " or ")] |
	some at, text in rules
	at[1] == "is_domain_managed_role"
}

problems contains problem(at, sprintf("refers to other rules in `%s`", [rules[at]]), "roles named literally") if {
	some at, _ in managed_roles
	contains(rules[at], "rule:")
}

problems contains problem(at, sprintf("does not name a role in `%s`", [term]), "'<role>':%(target.role.name)s, joined by or") if {
	some at, terms in managed_roles
	some term in terms
	not contains(term, "rule:")
	not regex.match(`^["'][^"']+["']:%\(target\.role\.name\)s$`, term)
}

problems contains problem(at, "lets domain managers assign `admin`", "roles without admin") if {
	some at, _ in managed_roles
	regex.match(`["'] *admin *["'] *:`, lower(rules[at]))
}

problems contains problem(at, "is left of the policy before Keystone 2024.2", null) if {
	native == true
	some at, text in rules
	leftover(at[1], text) == true
}

leftover(name, text) := true if {
	name in helpers
} else := true if {
	startswith(name, "base_")
} else := true if {
	regex.match(`rule:(is_domain_manager([^a-z_]|$)|domain_manager_grant([^a-z_]|$)|base_)`, text)
} else := false

# Before 2024.2. Rules of several files are taken together.
problems contains absent(name) if {
	native == false
	defined := {at[1] | some at, _ in rules}
	needed := {sprintf("identity:%s", [op]) | some op, _ in operations}
	undefined := ({"is_domain_manager", "is_domain_managed_role", "domain_manager_grant"} | needed) - defined
	some name in undefined
}

problems contains problem(at, sprintf("is `%s`", [text]), "role:manager") if {
	native == false
	some at, text in rules
	at[1] == "is_domain_manager"
	trim_space(text) != "role:manager"
}

problems contains problem(at, sprintf("does not contain `%s`", [meant[form]]), sprintf("a rule with `%s`", [meant[form]])) if {
	native == false
	some at, text in rules
	some op, forms in operations
	at[1] == sprintf("identity:%s", [op])
	some form in forms
	not regex.match(form, text)
}

problem(at, says, wanted) := {
	"resource": at[0],
	"message": sprintf("%s of Keystone: `%s` %s", [files[at[0]].body.file, at[1], says]),
	"path": sprintf("/rules/%s", [at[1]]),
	"found": rules[at],
	"wanted": wanted,
}

absent(name) := {
	"message": sprintf("the policy of Keystone has no rule `%s`", [name]),
	"path": "/rules",
	"found": null,
	"wanted": name,
}

judged if {
	readable
	is_boolean(native)
}

verdict := "pass" if {
	judged
	count(problems) == 0
}

verdict := "fail" if {
	judged
	count(problems) > 0
}

native_known if is_boolean(native)

verdict := "abort" if not native_known

reason := release.unknown if not native_known

violations contains v if {
	verdict == "fail"
	some v in problems
}
