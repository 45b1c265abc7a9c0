# METADATA
# title: Shares are not shown to every project
# description: >-
#   `is_public` is off: otherwise every project sees the share, its addresses and its
#   metadata.
# scope: package
# custom:
#   id: os.share.public
#   severity: medium
#   input: resource
#   kinds: [shared-file-system.share]
#   absent: [shared-file-system.share]
#   requires:
#     shared-file-system.share: [/is_public]
#   standard: https://docs.openstack.org/api-ref/shared-file-system/#shares
#   remediation: >-
#     openstack share set --public False SHARE. Other projects no longer see it; who
#     mounts it goes on.
package os.share.public

import rego.v1

body := input.resource.body

verdict := "pass" if body.is_public == false

verdict := "fail" if body.is_public == true

violations contains {
	"message": "every project sees the share",
	"path": "/is_public",
	"found": true,
	"wanted": false,
} if {
	body.is_public == true
}
