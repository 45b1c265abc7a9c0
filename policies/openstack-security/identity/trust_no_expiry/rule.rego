# METADATA
# title: Trusts with impersonation expire
# description: >-
#   Such a trust lets the trustee act as the trustor, in all logs too, until somebody deletes
#   it. Heat makes trusts without end for stacks with deferred authentication: its account
#   may stand in `exempt_trustees` (ids).
# scope: package
# custom:
#   id: os.identity.trust-no-expiry
#   severity: medium
#   input: resource
#   kinds: [identity.trust]
#   absent: [identity.trust]
#   requires:
#     identity.trust: [/impersonation, /expires_at, /trustee_user_id, /trustor_user_id]
#   standard: https://docs.openstack.org/keystone/latest/user/trusts.html
#   remediation: >-
#     openstack trust create --expiration 2027-06-30T00:00:00 … for the same trustee, then
#     openstack trust delete TRUST. What the trustee runs with the old one stops.
#   parameters:
#     exempt_trustees: []
package os.identity.trust_no_expiry

import rego.v1

body := input.resource.body

exempt if body.trustee_user_id in input.parameters.exempt_trustees

verdict := "pass" if exempt

verdict := "pass" if {
	body.impersonation == false
	not exempt
}

verdict := "pass" if {
	body.impersonation == true
	is_string(body.expires_at)
	not exempt
}

verdict := "fail" if {
	body.impersonation == true
	body.expires_at == null
	not exempt
}

violations contains {
	"message": sprintf("user `%s` may act as user `%s` without end", [body.trustee_user_id, body.trustor_user_id]),
	"path": "/expires_at",
	"found": null,
	"wanted": "a date",
} if {
	verdict == "fail"
}
