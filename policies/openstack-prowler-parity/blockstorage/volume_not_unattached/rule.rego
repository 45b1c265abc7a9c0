# METADATA
# title: Block storage volumes are attached to instances
# description: >-
#   Only volumes in status `available` fail, from the first minute on.
#   `os.block.volume-unattached` waits for some days.
# scope: package
# custom:
#   id: prowler.blockstorage_volume_not_unattached
#   severity: low
#   input: resource
#   kinds: [block-storage.volume]
#   absent: [block-storage.volume]
#   requires:
#     block-storage.volume: [/attachments, /status]
#   controls: ['prowler:blockstorage_volume_not_unattached']
#   standard: https://hub.prowler.com/check/blockstorage_volume_not_unattached
#   remediation: >-
#     openstack volume delete VOLUME, for good, after looking whether anybody needs it.
package prowler.blockstorage_volume_not_unattached

import rego.v1

body := input.resource.body

bad if {
	count(body.attachments) == 0
	body.status == "available"
}

verdict := "fail" if bad

verdict := "pass" if {
	is_array(body.attachments)
	not bad
}

violations contains {
	"message": "the volume is attached to nothing",
	"path": "/attachments",
	"found": [],
	"wanted": "an attachment",
} if {
	bad
}
