# METADATA
# title: Only the provider publishes images
# description: >-
#   A public image is offered to everybody, and most take it for the provider's. Its owner
#   is one of `provider_projects`: ids, or names of projects in the domain `default`.
# scope: package
# custom:
#   id: os.image.public-by-customer
#   severity: high
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/visibility, /owner]
#   joins:
#   - {name: projects, kind: identity.project, key: /owner}
#   controls: ['prowler:image_not_publicly_visible']
#   standard: https://docs.openstack.org/api-ref/image/v2/index.html#image-visibility
#   remediation: >-
#     openstack image set --shared IMAGE (or `--private`) and share it with `openstack
#     image add project IMAGE PROJECT`. Who used it from other projects can no longer boot
#     from it; running servers go on. To keep customers from it, set `"publicize_image":
#     "role:admin"` in Glance's policy.yaml.
#   parameters:
#     provider_projects: [admin, service]
package os.image.public_by_customer

import rego.v1

import data.os.lib.owner

body := input.resource.body

ours if body.owner in input.parameters.provider_projects

ours if owner.provider(input.joined.projects, input.parameters.provider_projects)

verdict := "pass" if body.visibility in {"private", "shared", "community"}

verdict := "pass" if {
	body.visibility == "public"
	ours
}

verdict := "fail" if {
	body.visibility == "public"
	not ours
}

violations contains {
	"message": sprintf("the image is public and belongs to project `%v`, which is not the provider's", [body.owner]),
	"path": "/visibility",
	"found": "public",
	"wanted": "shared or private",
} if {
	body.visibility == "public"
	not ours
}
