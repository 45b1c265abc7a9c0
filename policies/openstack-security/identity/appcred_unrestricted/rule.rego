# METADATA
# title: Application credentials are restricted
# description: >-
#   An unrestricted application credential may create further application credentials and
#   trusts: whoever steals it keeps access after it is revoked. Users in `exempt_users` (ids)
#   are left out, such as those of Heat or Magnum, which create trusts.
# scope: package
# custom:
#   id: os.identity.appcred-unrestricted
#   severity: high
#   input: resource
#   kinds: [identity.application_credential]
#   absent: [identity.application_credential]
#   requires:
#     identity.application_credential: [/unrestricted, /tidegate/user_id]
#   standard: https://docs.openstack.org/keystone/latest/user/application_credentials.html
#   remediation: >-
#     openstack application credential create NEW (without --unrestricted), hand it out, then
#     openstack application credential delete OLD. Programs that create credentials or trusts
#     with it (Heat stacks with deferred authentication, cluster autoscalers of Magnum) stop
#     doing so.
#   parameters:
#     exempt_users: []
package os.identity.appcred_unrestricted

import rego.v1

import data.os.lib.names

body := input.resource.body

exempt if names.listed(input.parameters.exempt_users, body.tidegate.user_id)

# Null is what Keystone keeps where nobody said: restricted.
verdict := "pass" if body.unrestricted in {false, null}

verdict := "pass" if {
	body.unrestricted == true
	exempt
}

verdict := "fail" if {
	body.unrestricted == true
	not exempt
}

violations contains {
	"message": "the application credential is unrestricted: it may create further credentials and trusts",
	"path": "/unrestricted",
	"found": true,
	"wanted": false,
} if {
	verdict == "fail"
}
