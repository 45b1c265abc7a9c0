# METADATA
# title: Images say how much disk they need
# description: >-
#   The reference suite compares with the stored size; mode `strict` also with the virtual
#   size, which is what a volume has to hold.
# scope: package
# custom:
#   id: scs-0102-prop-min_disk
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings, /size]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `min_disk` to the GiB that the image needs, at least its size: openstack image
#     set --min-disk 8 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_min_disk

import rego.v1

import data.scs.lib.image

body := input.resource.body

given := count({image.property(input.resource, "min_disk")} & {null, 0}) == 0

# What a volume made from the image has to hold. Null until Glance has the data.
needed := needed_bytes(body, input.parameters.mode)

verdict := image.verdict(input, false) if not given

verdict := image.verdict(input, (body.min_disk * 1073741824) >= needed) if {
	given
	is_number(body.min_disk) == true
	is_number(needed) == true
}

verdict := "pass" if {
	given
	needed == null
	image.in_scope(input.resource, input.parameters.mode) == false
}

verdict := "abort" if {
	given
	needed == null
	image.in_scope(input.resource, input.parameters.mode) == true
}

reason := sprintf("%s has no size yet, its data is not uploaded", [image.label(input.resource)]) if {
	verdict == "abort"
}

needed_bytes(fields, "reference") := fields.size

needed_bytes(fields, "strict") := max([fields.size, virtual]) if {
	virtual := object.get(fields, "virtual_size", null)
	is_number(virtual) == true
	is_number(fields.size) == true
} else := fields.size

violations contains image.violation(input.resource, "min_disk", "which must be positive", "GiB, at least 1") if {
	verdict == "fail"
	not given
}

violations contains image.violation(
	input.resource,
	"min_disk",
	sprintf("less than the %v bytes of the image", [needed]),
	ceil(needed / 1073741824),
) if {
	verdict == "fail"
	given
}
