# METADATA
# title: Application credentials expire
# description: >-
#   A credential without an end, or with one further away than `days`, outlives those who know
#   it. When it was made is not shown by the API, so what is left counts.
# scope: package
# custom:
#   id: os.identity.appcred-no-expiry
#   severity: medium
#   input: resource
#   kinds: [identity.application_credential]
#   absent: [identity.application_credential]
#   requires:
#     identity.application_credential: [/expires_at, /tidegate/user_id]
#   time: true
#   standard: https://docs.openstack.org/keystone/latest/user/application_credentials.html
#   remediation: >-
#     openstack application credential create --expiration 2027-06-30T00:00:00 NEW, hand it
#     out, then openstack application credential delete OLD. Credentials cannot be changed;
#     whoever uses one needs the new one before its end.
#   parameters:
#     days: 366
#     exempt_users: []
package os.identity.appcred_no_expiry

import rego.v1

import data.os.lib.moment

body := input.resource.body

now := moment.ns(input.now)

latest := moment.after(now, input.parameters.days)

ends := moment.ns(body.expires_at) if is_string(body.expires_at)

exempt if body.tidegate.user_id in input.parameters.exempt_users

endless if body.expires_at == null

late if ends > latest

verdict := "pass" if exempt

verdict := "pass" if {
	ends <= latest
	not exempt
}

verdict := "fail" if {
	endless
	not exempt
}

verdict := "fail" if {
	late
	not exempt
}

violations contains {
	"message": "the application credential never expires",
	"path": "/expires_at",
	"found": null,
	"wanted": sprintf("within %d days", [input.parameters.days]),
} if {
	endless
	not exempt
}

violations contains {
	"message": sprintf("the application credential expires at %s only", [body.expires_at]),
	"path": "/expires_at",
	"found": body.expires_at,
	"wanted": sprintf("within %d days", [input.parameters.days]),
} if {
	late
	not exempt
}

# What is too far away comes nearer.
valid_until := time.format(moment.after(ends, 0 - input.parameters.days)) if late

valid_until := moment.never if not late
