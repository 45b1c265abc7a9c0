# METADATA
# title: Images have deletion protection enabled
# description: >-
#   Every image that is not protected fails, private ones too. `os.image.not-protected`
#   looks at public ones.
# scope: package
# custom:
#   id: prowler.image_protected_status_enabled
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/protected]
#   controls: ['prowler:image_protected_status_enabled']
#   standard: https://hub.prowler.com/check/image_protected_status_enabled
#   remediation: >-
#     openstack image set --protected IMAGE. It cannot be deleted until that is taken
#     back.
package prowler.image_protected_status_enabled

import rego.v1

body := input.resource.body

bad if body.protected == false

verdict := "fail" if bad

verdict := "pass" if {
	body.protected == true
	not bad
}

violations contains {
	"message": "the image is not protected",
	"path": "/protected",
	"found": false,
	"wanted": true,
} if {
	bad
}
