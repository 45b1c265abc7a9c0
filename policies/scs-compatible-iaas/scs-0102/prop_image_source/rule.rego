# METADATA
# title: Images name where they come from
# scope: package
# custom:
#   id: scs-0102-prop-image_source
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `image_source` to the URL of the original image, or to `private`: openstack
#     image set --property image_source=https://… <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_image_source

import rego.v1

import data.scs.lib.image

found := image.property(input.resource, "image_source")

verdict := image.verdict(input, ok(found))

ok(value) := regex.match(`^(private$|(http|https|ftp|ftps)://)`, value) if {
	is_string(value)
} else := false

violations contains image.violation(
	input.resource,
	"image_source",
	"neither a URL nor `private`",
	"a http, https, ftp or ftps URL, or private",
) if {
	verdict == "fail"
}
