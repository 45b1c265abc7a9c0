# METADATA
# title: Metadata of volumes hold no secrets
# description: >-
#   Whoever may read the volume reads its metadata, which services copy into logs and
#   notifications. tidegate takes secrets out when it collects: what is found is where one
#   stood. A secret is known by the name of its key or by its own text; others are not
#   found. Names in `exempt_keys` (with `*`) are no secrets. Metadata whose key is the
#   secret are not kept at all.
# scope: package
# custom:
#   id: os.block.volume-metadata-secret
#   severity: critical
#   input: resource
#   kinds: [block-storage.volume]
#   requires:
#     block-storage.volume: [/metadata]
#   controls: ['prowler:blockstorage_volume_metadata_sensitive_data']
#   standard: https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes
#   remediation: >-
#     Renew the secret, since it was readable, then `openstack volume unset --property KEY
#     VOLUME`. Programs that read it there have to be given it otherwise: Barbican
#     (`openstack secret store`), or user data of a config drive at least.
#   parameters:
#     exempt_keys: []
package os.block.volume_metadata_secret

import rego.v1

import data.os.lib.redacted

body := input.resource.body

violations contains {
	"message": sprintf("metadata `%s` of the volume held a secret", [name]),
	"path": sprintf("/metadata/%s", [name]),
	"found": value,
	"wanted": "no secret",
} if {
	some name, value in body.metadata
	redacted.secret(name, value, input.parameters.exempt_keys)
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_object(body.metadata)
	count(violations) == 0
}
