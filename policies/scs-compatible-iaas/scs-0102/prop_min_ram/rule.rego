# METADATA
# title: Images say how much RAM they need
# scope: package
# custom:
#   id: scs-0102-prop-min_ram
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `min_ram` to the MiB that the image needs to boot: openstack image set --min-ram
#     512 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_min_ram

import rego.v1

import data.scs.lib.image

found := image.property(input.resource, "min_ram")

verdict := image.verdict(input, count({found} & {null, 0}) == 0)

violations contains image.violation(input.resource, "min_ram", "which must be positive", "MiB, at least 1") if {
	verdict == "fail"
}
