# METADATA
# title: Servers run no community images of other projects
# description: >-
#   A community image is published by any customer and checked by nobody; its owner may
#   replace what the name stands for. Reported at the server, or at the volume that was
#   made of it. Nobody knows what an image was that is deleted.
# scope: package
# custom:
#   id: os.image.community-visible
#   severity: medium
#   input: resource
#   kinds: [compute.server, block-storage.volume]
#   requires:
#     compute.server: [/image]
#     image.image: [/visibility, /owner]
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

# Deleted since, or not shown.
unknown contains id if {
	id := input.resource.body.image.id
	is_string(id)
	count(input.joined.images) == 0
}

unknown contains id if {
	id := input.resource.body.volume_image_metadata.image_id
	is_string(id)
	count(input.joined.origins) == 0
}

verdict := "pass" if {
	count(foreign) == 0
	count(unknown) == 0
}

verdict := "abort" if {
	count(foreign) == 0
	count(unknown) > 0
}

reason := sprintf("image `%s` does not exist any more, and nobody knows whose it was", [min(unknown)]) if verdict == "abort"

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
