# METADATA
# title: Images say how much disk they need
# description: >-
#   The reference suite compares with the stored size; mode `strict` also with the virtual
#   size, which is what a volume has to hold.
# scope: package
# custom:
#   id: scs-0102-prop-min_disk
#   severity: medium
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `min_disk` to the GiB that the image needs, at least its size: openstack image
#     set --min-disk 8 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_min_disk

import rego.v1

import data.scs.lib.image

mode := input.parameters.mode

offered := image.offered(input)

unset := {id | some id, found in offered; count({image.property(found, "min_disk")} & {null, 0}) > 0}

# Glance does not know the size until it has the data; without the field nobody does.
unsized := {id |
	some id, found in offered
	not id in unset
	image.property(found, "size") == null
}

# What a volume made from each image has to hold, in bytes.
needed := {id: needed_bytes(found.body, mode) |
	some id, found in offered
	not id in unset
	is_number(found.body.min_disk) == true
	is_number(image.property(found, "size")) == true
}

short := {id | some id, bytes in needed; offered[id].body.min_disk * 1073741824 < bytes}

needed_bytes(fields, "reference") := fields.size

needed_bytes(fields, "strict") := max([fields.size, virtual]) if {
	virtual := object.get(fields, "virtual_size", null)
	is_number(virtual) == true
} else := fields.size

# Nothing fell through: each image is one of these.
complete if (count(unset) + count(unsized)) + count(needed) == count(offered)

wrong := unset | short

# The reference suite breaks off at an image without a size, whatever the others
# are like.
breaks_off := count(unsized) > 0 if mode == "reference"

breaks_off := {count(unsized) > 0, count(wrong) == 0} == {true} if mode == "strict"

verdict := "abort" if {
	complete
	breaks_off == true
}

reason := sprintf("%s has no size, as before its data is uploaded", [image.label(offered[min(unsized)])]) if {
	verdict == "abort"
}

verdict := "pass" if {
	complete
	breaks_off == false
	count(wrong) == 0
}

verdict := "fail" if {
	complete
	breaks_off == false
	count(wrong) > 0
}

violations contains object.union(violation, {"resource": offered[id].key}) if {
	verdict == "fail"
	some id in unset
	violation := image.violation(offered[id], "min_disk", "which must be positive", "GiB, at least 1")
}

violations contains object.union(violation, {"resource": offered[id].key}) if {
	verdict == "fail"
	some id in short
	violation := image.violation(
		offered[id],
		"min_disk",
		sprintf("less than the %v bytes of the image", [needed[id]]),
		ceil(needed[id] / 1073741824),
	)
}
