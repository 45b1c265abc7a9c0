# METADATA
# title: Administrators sign in with a second factor
# description: >-
#   A person who effectively holds one of `roles` anywhere (by group, implied role or trust
#   too) needs `multi_factor_auth_enabled` and rules of at least two methods each: Keystone
#   ignores the option while there are no rules, and any one rule suffices to sign in.
#   Accounts of services are left out; so are domains in `exempt_domains`, whose sign-in is
#   another system's (LDAP, an identity provider) or nobody's.
# scope: package
# custom:
#   id: os.identity.admin-without-mfa
#   severity: high
#   input: resource
#   kinds: [openstack.access]
#   requires:
#     openstack.access: [/subject/type, /subject/id, /roles]
#   joins:
#   - {name: users, kind: identity.user, key: /subject/id}
#   - {name: domains, kind: identity.domain, key: /subject/domain_id}
#   standard: https://docs.openstack.org/keystone/latest/admin/multi-factor-authentication.html
#   remediation: >-
#     openstack user set --multi-factor-auth-rule password,totp --enable-multi-factor-auth
#     USER, after the user has a TOTP credential (openstack credential create --type totp USER
#     SECRET). Scripts that sign in with the password alone stop working: give them
#     application credentials.
#   parameters:
#     roles: [admin, manager]
#     service_users: []
#     exempt_domains: [heat, heat_user_domain, magnum]
package os.identity.admin_without_mfa

import rego.v1

import data.os.lib.account

subject := input.resource.body.subject

user := input.joined.users[subject.id]

held contains role if {
	some role in input.parameters.roles
	count(object.get(input.resource.body.roles, role, {})) > 0
}

asked if {
	subject.type == "user"
	count(held) > 0
}

exempt if account.service(user, input.parameters)

exempt if account.elsewhere(input.joined.domains, input.parameters)

exempt if user.enabled == false

rules := object.get(user.options, "multi_factor_auth_rules", [])

weak contains rule if {
	some rule in rules
	count(rule) < 2
}

protected if {
	object.get(user.options, "multi_factor_auth_enabled", false) == true
	count(rules) > 0
	count(weak) == 0
}

verdict := "pass" if not asked

verdict := "pass" if exempt

verdict := "pass" if {
	asked
	user
	protected
}

verdict := "fail" if {
	asked
	is_object(user.options)
	not exempt
	not protected
}

verdict := "abort" if {
	asked
	not user
	not exempt
}

reason := sprintf("user `%s` is not in the listing of users", [subject.id]) if not user

violations contains {
	"message": sprintf("user `%s` holds %s and signs in with one factor", [user.name, concat(", ", held)]),
	"path": "/options",
	"found": {
		"multi_factor_auth_enabled": object.get(user.options, "multi_factor_auth_enabled", null),
		"multi_factor_auth_rules": rules,
	},
	"wanted": "enabled, with rules of two methods or more",
} if {
	verdict == "fail"
}
