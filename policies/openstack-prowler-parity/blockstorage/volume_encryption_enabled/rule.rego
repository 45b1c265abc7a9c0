# METADATA
# title: Block storage volumes have encryption enabled
# description: >-
#   Encryption by the volume's type. What the storage does below (Ceph OSDs with
#   dm-crypt) is not seen.
# scope: package
# custom:
#   id: prowler.blockstorage_volume_encryption_enabled
#   severity: high
#   input: resource
#   kinds: [block-storage.volume]
#   absent: [block-storage.volume]
#   requires:
#     block-storage.volume: [/encrypted]
#   controls: ['prowler:blockstorage_volume_encryption_enabled']
#   standard: https://hub.prowler.com/check/blockstorage_volume_encryption_enabled
#   remediation: >-
#     openstack volume create --type ENCRYPTED_TYPE …, copy the data and delete the old
#     volume; openstack volume set --type … --retype-policy on-demand does it for a
#     volume that is not attached.
package prowler.blockstorage_volume_encryption_enabled

import rego.v1

body := input.resource.body

bad if body.encrypted == false

verdict := "fail" if bad

verdict := "pass" if {
	body.encrypted == true
	not bad
}

violations contains {
	"message": "the volume is not encrypted",
	"path": "/encrypted",
	"found": false,
	"wanted": true,
} if {
	bad
}
