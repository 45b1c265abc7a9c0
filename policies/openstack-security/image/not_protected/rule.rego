# METADATA
# title: Public images cannot be deleted by mistake
# description: >-
#   A public image is protected. Otherwise one wrong command takes it from everybody, and
#   servers can no longer be rebuilt or resized from it.
# scope: package
# custom:
#   id: os.image.not-protected
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/visibility, /protected]
#   controls: ['prowler:image_protected_status_enabled']
#   standard: https://docs.openstack.org/api-ref/image/v2/index.html#update-image
#   remediation: >-
#     openstack image set --protected IMAGE. Whoever replaces images has to unprotect the
#     old one first (openstack-image-manager does).
package os.image.not_protected

import rego.v1

body := input.resource.body

verdict := "pass" if body.visibility in {"private", "shared", "community"}

verdict := "pass" if {
	body.visibility == "public"
	body.protected == true
}

verdict := "fail" if {
	body.visibility == "public"
	body.protected == false
}

violations contains {
	"message": "the image is public and not protected from deletion",
	"path": "/protected",
	"found": false,
	"wanted": true,
} if {
	body.visibility == "public"
	body.protected == false
}
