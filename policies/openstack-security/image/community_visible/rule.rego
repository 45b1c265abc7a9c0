# METADATA
# title: Servers run no community images of other projects
# description: >-
#   A community image is published by any customer and checked by nobody; its owner may
#   replace what the name stands for. Reported at the server, or at the volume that was
#   made of it.
# scope: package
# custom:
#   id: os.image.community-visible
#   severity: medium
#   input: resource
#   kinds: [compute.server, block-storage.volume]
#   requires:
#     compute.server: [/image]
#   joins:
#   - {name: images, kind: image.image, key: /image/id}
#   - {name: origins, kind: image.image, key: /volume_image_metadata/image_id}
#   standard: https://docs.openstack.org/api-ref/image/v2/index.html#image-visibility
#   remediation: >-
#     Boot from an image of the provider or of your own project: `openstack server rebuild
#     --image IMAGE SERVER` (what is on the root disk is lost), or a new server beside it.
#     An image that is trusted can be copied: `openstack image save`, `openstack image
#     create`.
package os.image.community_visible

import rego.v1

project := input.resource.project

used contains image if some image in input.joined.images

used contains image if some image in input.joined.origins

foreign contains image if {
	some image in used
	image.visibility == "community"
	image.owner != project
}

verdict := "pass" if count(foreign) == 0

verdict := "fail" if {
	is_string(project)
	count(foreign) > 0
}

violations contains {
	"message": sprintf("it was made of community image `%s` of project `%v`", [image.id, image.owner]),
	"path": "",
	"found": image.id,
	"wanted": "an image of the provider or of the own project",
} if {
	some image in foreign
}
