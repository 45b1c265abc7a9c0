# METADATA
# title: Block storage volumes do not have multi-attach enabled
# description: >-
#   Wrong for a provider: cluster file systems need it. `os.block.volume-multiattach`
#   says where it is meant.
# scope: package
# custom:
#   id: prowler.blockstorage_volume_multiattach_disabled
#   severity: medium
#   input: resource
#   kinds: [block-storage.volume]
#   absent: [block-storage.volume]
#   requires:
#     block-storage.volume: [/multiattach]
#   controls: ['prowler:blockstorage_volume_multiattach_disabled']
#   standard: https://hub.prowler.com/check/blockstorage_volume_multiattach_disabled
#   remediation: >-
#     openstack volume set --type TYPE VOLUME with a type that has no `multiattach`,
#     while the volume is detached.
package prowler.blockstorage_volume_multiattach_disabled

import rego.v1

body := input.resource.body

bad if body.multiattach == true

verdict := "fail" if bad

verdict := "pass" if {
	body.multiattach == false
	not bad
}

violations contains {
	"message": "the volume may be attached to several servers",
	"path": "/multiattach",
	"found": true,
	"wanted": false,
} if {
	bad
}
