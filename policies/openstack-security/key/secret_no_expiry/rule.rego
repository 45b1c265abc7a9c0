# METADATA
# title: Certificates and private keys expire
# description: >-
#   A secret of one of `types` has an expiration. Keys that nobody replaces are known to
#   ever more people. Barbican shows secrets of the own project only: others are not
#   judged.
# scope: package
# custom:
#   id: os.key.secret-no-expiry
#   severity: low
#   input: resource
#   kinds: [key-manager.secret]
#   absent: [key-manager.secret]
#   requires:
#     key-manager.secret: [/secret_type, /expiration]
#   standard: https://docs.openstack.org/api-guide/key-manager/secrets.html
#   remediation: >-
#     Store it anew with a date, `openstack secret store --secret-type private
#     --expiration 2027-01-01T00:00:00 …`, change what refers to it (listeners, volumes),
#     then `openstack secret delete REF`. An expired secret cannot be read: what still
#     uses it stops.
#   parameters:
#     types: [certificate, private]
package os.key.secret_no_expiry

import rego.v1

body := input.resource.body

watched if body.secret_type in input.parameters.types

verdict := "pass" if {
	is_string(body.secret_type)
	not watched
}

verdict := "pass" if {
	watched
	is_string(body.expiration)
}

verdict := "fail" if {
	watched
	body.expiration == null
}

violations contains {
	"message": sprintf("the secret (%s) never expires", [body.secret_type]),
	"path": "/expiration",
	"found": null,
	"wanted": "a date",
} if {
	watched
	body.expiration == null
}
