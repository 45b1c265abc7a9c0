# METADATA
# title: Block storage snapshot metadata does not contain sensitive data
# description: >-
#   Prowler scans names and values with Kingfisher. tidegate takes secrets out when it
#   collects, by its own patterns, and this rule reads what it put there: the patterns
#   differ.
# scope: package
# custom:
#   id: prowler.blockstorage_snapshot_metadata_sensitive_data
#   severity: critical
#   input: resource
#   kinds: [block-storage.snapshot]
#   absent: [block-storage.snapshot]
#   requires:
#     block-storage.snapshot: [/metadata]
#   controls: ['prowler:blockstorage_snapshot_metadata_sensitive_data']
#   standard: https://hub.prowler.com/check/blockstorage_snapshot_metadata_sensitive_data
#   remediation: >-
#     openstack volume snapshot unset --property KEY SNAPSHOT, and change the secret: it
#     has been read.
package prowler.blockstorage_snapshot_metadata_sensitive_data

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
