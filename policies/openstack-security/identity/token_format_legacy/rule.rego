# METADATA
# title: Tokens are Fernet or JWS tokens
# description: >-
#   UUID and PKI tokens are kept in Keystone's database, where whoever reads it takes them
#   over; both are gone since Pike. Only the form of the collector's own token is looked at.
# scope: package
# custom:
#   id: os.identity.token-format-legacy
#   severity: medium
#   input: resource
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/tidegate/format]
#   controls: ['osg:identity-08']
#   standard: https://docs.openstack.org/keystone/latest/admin/tokens-overview.html
#   remediation: >-
#     keystone-manage fernet_setup, then `[token] provider = fernet` in keystone.conf, and
#     restart Keystone. All tokens that are out become invalid.
package os.identity.token_format_legacy

import rego.v1

format := input.resource.body.tidegate.format

verdict := "pass" if format in ["fernet", "jws"]

verdict := "fail" if format in ["uuid", "pki"]

verdict := "abort" if format == "other"

reason := "the form of the token is not known"

violations contains {
	"message": sprintf("Keystone issues %s tokens", [format]),
	"path": "/tidegate/format",
	"found": format,
	"wanted": ["fernet", "jws"],
} if {
	verdict == "fail"
}
