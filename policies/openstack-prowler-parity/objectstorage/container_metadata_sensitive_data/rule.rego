# METADATA
# title: Object storage container metadata does not contain sensitive data
# description: >-
#   Prowler scans names and values with Kingfisher. tidegate takes secrets out when it
#   collects, by its own patterns, and this rule reads what it put there: the patterns
#   differ.
# scope: package
# custom:
#   id: prowler.objectstorage_container_metadata_sensitive_data
#   severity: critical
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/metadata]
#   controls: ['prowler:objectstorage_container_metadata_sensitive_data']
#   standard: https://hub.prowler.com/check/objectstorage_container_metadata_sensitive_data
#   remediation: >-
#     openstack container unset --property KEY CONTAINER, and change the secret: it has
#     been read.
package prowler.objectstorage_container_metadata_sensitive_data

import rego.v1

body := input.resource.body

violations contains {
	"message": sprintf("metadata `%s` holds a secret", [key]),
	"path": sprintf("/metadata/%s", [key]),
	"found": value,
	"wanted": "no secret",
} if {
	some key, value in body.metadata
	startswith(value, "[redacted")
}

verdict := "pass" if {
	is_object(body.metadata)
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0
