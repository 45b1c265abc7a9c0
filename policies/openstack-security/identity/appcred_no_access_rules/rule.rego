# METADATA
# title: Application credentials are limited to the calls they need
# description: >-
#   Access rules name the services, methods and paths that a credential may call. Without them
#   it may do all that its roles allow. Users in `exempt_users` (ids) are left out.
# scope: package
# custom:
#   id: os.identity.appcred-no-access-rules
#   severity: low
#   input: resource
#   kinds: [identity.application_credential]
#   absent: [identity.application_credential]
#   requires:
#     identity.application_credential: [/id, /tidegate/user_id]
#   standard: https://docs.openstack.org/keystone/latest/user/application_credentials.html#access-rules
#   remediation: >-
#     openstack application credential create --access-rules '[{"service":"compute",
#     "method":"GET","path":"/v2.1/servers/**"}]' NEW, then delete the old one. Calls that no
#     rule names are refused; services need `service_type` in `keystone_authtoken`.
#   parameters:
#     exempt_users: []
package os.identity.appcred_no_access_rules

import rego.v1

body := input.resource.body

# Keystone leaves the member out where there are none.
rules := object.get(body, "access_rules", [])

exempt if body.tidegate.user_id in input.parameters.exempt_users

unlimited if rules == null

unlimited if rules == []

verdict := "pass" if exempt

verdict := "pass" if {
	is_array(rules)
	count(rules) > 0
	not exempt
}

verdict := "fail" if {
	unlimited
	not exempt
}

violations contains {
	"message": "the application credential has no access rules",
	"path": "/access_rules",
	"found": null,
	"wanted": "rules",
} if {
	verdict == "fail"
}
