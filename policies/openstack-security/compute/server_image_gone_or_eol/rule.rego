# METADATA
# title: Servers run from images that are kept up
# description: >-
#   The image of a server is deleted or deactivated, or no longer provided (`provided_until`
#   of SCS-0102) or supported (`os_eol`, a date). A server on a volume that was made from an
#   image is judged by the dates that Cinder kept with the volume.
# scope: package
# custom:
#   id: os.compute.server-image-gone-or-eol
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   absent: [block-storage.volume]
#   requires:
#     compute.server: [/image]
#     image.image: [/status]
#   joins:
#   - {name: images, kind: image.image, key: /image/id}
#   - {name: volumes, kind: block-storage.volume, key: '/os-extended-volumes:volumes_attached/*/id'}
#   time: true
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Create the server anew from a current image, or upgrade its system in place and say so
#     in a waiver. openstack server rebuild --image IMAGE SERVER erases the root disk.
package os.compute.server_image_gone_or_eol

import rego.v1

import data.os.lib.boot

body := input.resource.body

today := substring(input.now, 0, 10)

image_id := body.image.id

known if boot.known(input)

properties contains one if {
	some one in input.joined.images
}

properties contains copied if {
	count(input.joined.images) == 0
	some volume in input.joined.volumes
	copied := volume.volume_image_metadata
}

ends contains {"name": name, "date": date} if {
	some one in properties
	some name in ["provided_until", "os_eol"]
	date := one[name]
	is_string(date)
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`, date)
}

violations contains {
	"message": sprintf("the image `%s` of the server does not exist any more", [image_id]),
	"path": "/image/id",
	"found": image_id,
	"wanted": "an image that exists",
} if {
	is_string(image_id)
	count(input.joined.images) == 0
}

violations contains {
	"message": sprintf("the image `%s` of the server is %s", [image_id, one.status]),
	"path": "/image/id",
	"found": one.status,
	"wanted": "active",
} if {
	some one in input.joined.images
	one.status != "active"
}

violations contains {
	"message": sprintf("`%s` of the server's image was %s", [end.name, end.date]),
	"path": "/image",
	"found": end.date,
	"wanted": "an image that is still kept up",
} if {
	some end in ends
	substring(end.date, 0, 10) < today
}

# Words for no end, as scs-0102 has them.
endless := {"", "none", "notice"}

unclear contains name if {
	some one in properties
	some name in ["provided_until", "os_eol"]
	date := one[name]
	date != null
	text := lower(sprintf("%v", [date]))
	not text in endless
	not regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`, text)
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(unknown) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(unknown) > 0
}

unknown contains sprintf("`%s` of the server's image is no date", [name]) if some name in unclear

unknown contains "the server was started from a volume of which no image is known" if not known

reason := concat("; ", unknown)

turns contains "9999-01-01"

turns contains date if {
	some end in ends
	date := substring(end.date, 0, 10)
	date >= today
}

valid_until := sprintf("%sT23:59:59Z", [min(turns)])
