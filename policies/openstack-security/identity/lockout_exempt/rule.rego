# METADATA
# title: Nobody is let off the lockout
# description: >-
#   A user with `ignore_lockout_failure_attempts` may be tried with any number of passwords.
#   For the account of a service that is right: otherwise anybody could lock it out.
# scope: package
# custom:
#   id: os.identity.lockout-exempt
#   severity: medium
#   input: resource
#   kinds: [identity.user]
#   requires:
#     identity.user: [/name, /domain_id, /options]
#   standard: https://docs.openstack.org/keystone/latest/admin/resource-options.html
#   remediation: >-
#     openstack user set --no-ignore-lockout-failure-attempts USER. From then on too many wrong
#     passwords lock the user (`[security_compliance] lockout_failure_attempts`).
#   parameters:
#     service_users: []
package os.identity.lockout_exempt

import rego.v1

import data.os.lib.account

user := input.resource.body

let_off if user.options.ignore_lockout_failure_attempts == true

service if account.service(user, input.parameters)

verdict := "pass" if {
	is_object(user.options)
	not let_off
}

verdict := "pass" if service

verdict := "fail" if {
	let_off
	not service
}

violations contains {
	"message": sprintf("user `%s` is let off the lockout", [user.name]),
	"path": "/options/ignore_lockout_failure_attempts",
	"found": true,
	"wanted": false,
} if {
	verdict == "fail"
}
