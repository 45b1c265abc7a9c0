# METADATA
# title: Images are described
# scope: package
# custom:
#   id: scs-0102-prop-image_description
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `image_description` to a text or a link: openstack image set --property
#     image_description=https://… <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_image_description

import rego.v1

import data.scs.lib.image

verdict := image.verdict(input, image.filled(input.resource, "image_description"))

violations contains image.violation(input.resource, "image_description", "which must say something", "a text or a link") if {
	verdict == "fail"
}
