# METADATA
# title: Images are not publicly visible to all tenants
# description: >-
#   Wrong for a provider: the images that it offers are public, and SCS asks for some.
#   `os.image.public-by-customer` looks at who owns them.
# scope: package
# custom:
#   id: prowler.image_not_publicly_visible
#   severity: high
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/visibility]
#   controls: ['prowler:image_not_publicly_visible']
#   standard: https://hub.prowler.com/check/image_not_publicly_visible
#   remediation: >-
#     openstack image set --private IMAGE. Other projects cannot start servers of it any
#     more.
package prowler.image_not_publicly_visible

import rego.v1

body := input.resource.body

bad if body.visibility == "public"

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.visibility)
	not bad
}

violations contains {
	"message": "the image is public",
	"path": "/visibility",
	"found": "public",
	"wanted": ["private", "shared", "community"],
} if {
	bad
}
