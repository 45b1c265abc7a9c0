# METADATA
# title: Volumes are encrypted
# description: >-
#   The volume's type encrypts it, so that disks that are stolen, sold or returned, and
#   copies of the backend, tell nothing.
# scope: package
# custom:
#   id: os.block.volume-not-encrypted
#   severity: high
#   input: resource
#   kinds: [block-storage.volume]
#   requires:
#     block-storage.volume: [/encrypted]
#   controls: ['osg:Block-09', 'prowler:blockstorage_volume_encryption_enabled']
#   standard: https://docs.openstack.org/cinder/latest/configuration/block-storage/volume-encryption.html
#   remediation: >-
#     A volume cannot be encrypted in place. Choose an encrypted type (`openstack volume
#     type list --encryption-type`), then `openstack volume create --source VOLUME --type
#     TYPE NEW`, or `cinder retype --migration-policy on-demand VOLUME TYPE` while it is
#     detached; the old blocks stay on the backend until they are wiped. Servers need
#     Barbican to attach the new volume.
package os.block.volume_not_encrypted

import rego.v1

body := input.resource.body

verdict := "pass" if body.encrypted == true

verdict := "fail" if body.encrypted == false

violations contains {
	"message": "the volume is not encrypted",
	"path": "/encrypted",
	"found": false,
	"wanted": true,
} if {
	body.encrypted == false
}
