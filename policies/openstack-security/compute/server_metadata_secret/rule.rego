# METADATA
# title: No secrets in the metadata of servers
# description: >-
#   Metadata is readable by everybody in the project and by every process in the server. The
#   collector replaces what looks like a secret, by name or by text, and this rule reads the
#   replacement. Names in `exempt_keys` are no secrets.
# scope: package
# custom:
#   id: os.compute.server-metadata-secret
#   severity: critical
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/metadata]
#   controls: ['prowler:compute_instance_metadata_sensitive_data']
#   standard: https://docs.openstack.org/nova/latest/user/metadata.html
#   remediation: >-
#     openstack server unset --property KEY SERVER, and change the secret: it has been read.
#     Programs fetch it from the key manager (openstack secret store) instead.
#   parameters:
#     exempt_keys: []
package os.compute.server_metadata_secret

import rego.v1

import data.os.lib.redacted

body := input.resource.body

violations contains {
	"message": sprintf("metadata `%s` holds a secret", [key]),
	"path": sprintf("/metadata/%s", [key]),
	"found": value,
	"wanted": "no secret",
} if {
	some key, value in body.metadata
	redacted.secret(key, value, input.parameters.exempt_keys)
}

verdict := "pass" if {
	is_object(body.metadata)
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0
