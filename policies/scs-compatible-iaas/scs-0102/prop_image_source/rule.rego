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
import data.scs.lib.redacted

found := image.property(input.resource, "image_source")

# What stood where a secret was taken out may have been the beginning of a URL.
hidden := redacted.hides(found, {"private", "http://", "https://", "ftp://", "ftps://"})

verdict := image.verdict(input, ok(found)) if hidden == false

verdict := "pass" if {
	hidden == true
	image.in_scope(input.resource, input.parameters.mode) == false
}

verdict := "abort" if {
	hidden == true
	image.in_scope(input.resource, input.parameters.mode) == true
}

reason := redacted.reason(image.label(input.resource), "image_source") if verdict == "abort"

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
