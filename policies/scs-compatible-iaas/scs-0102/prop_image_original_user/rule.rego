# METADATA
# title: Images name the user to log in as
# scope: package
# custom:
#   id: scs-0102-prop-image_original_user
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `image_original_user` to the login of the image, `none` if there is none:
#     openstack image set --property image_original_user=ubuntu <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_image_original_user

import rego.v1

import data.scs.lib.image

verdict := image.verdict(input, image.filled(input.resource, "image_original_user"))

violations contains image.violation(input.resource, "image_original_user", "which must say something", "a login name, or none") if {
	verdict == "fail"
}
