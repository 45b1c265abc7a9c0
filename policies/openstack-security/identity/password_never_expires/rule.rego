# METADATA
# title: Passwords of people expire
# description: >-
#   A user with `ignore_password_expiry`, or whose password has no end because none was set
#   when it was made. Accounts of services and disabled users are left out, and domains in
#   `exempt_domains` (names or ids): those whose passwords Keystone does not keep (LDAP,
#   identity providers) have no end here either.
# scope: package
# custom:
#   id: os.identity.password-never-expires
#   severity: medium
#   input: resource
#   kinds: [identity.user]
#   requires:
#     identity.user: [/name, /domain_id, /enabled, /options, /password_expires_at]
#   joins:
#   - {name: domains, kind: identity.domain, key: /domain_id}
#   standard: https://docs.openstack.org/keystone/latest/admin/configuration.html#security-compliance-and-pci-dss
#   remediation: >-
#     openstack user set --no-ignore-password-expiry USER, with `[security_compliance]
#     password_expires_days` set in keystone.conf; it counts for passwords set from then on.
#     After the end the user can only change the password.
#   parameters:
#     service_users: []
#     exempt_domains: [heat, heat_user_domain, magnum]
package os.identity.password_never_expires

import rego.v1

import data.os.lib.account

user := input.resource.body

exempt if account.service(user, input.parameters)

exempt if account.elsewhere(input.joined.domains, input.parameters)

exempt if user.enabled == false

ignored if user.options.ignore_password_expiry == true

endless if user.password_expires_at == null

violations contains {
	"message": sprintf("the password of user `%s` is let off expiry", [user.name]),
	"path": "/options/ignore_password_expiry",
	"found": true,
	"wanted": false,
} if {
	ignored
	not exempt
}

violations contains {
	"message": sprintf("the password of user `%s` has no end", [user.name]),
	"path": "/password_expires_at",
	"found": null,
	"wanted": "a date",
} if {
	endless
	not ignored
	not exempt
}

verdict := "pass" if exempt

verdict := "pass" if {
	is_string(user.password_expires_at)
	is_object(user.options)
	not ignored
}

verdict := "fail" if count(violations) > 0
