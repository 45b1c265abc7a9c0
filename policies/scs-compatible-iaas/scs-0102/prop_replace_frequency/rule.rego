# METADATA
# title: Images say how often they are rebuilt
# scope: package
# custom:
#   id: scs-0102-prop-replace_frequency
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `replace_frequency` to the interval at which the image is really replaced,
#     `never` if it is not: openstack image set --property replace_frequency=monthly
#     <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_replace_frequency

import rego.v1

import data.scs.lib.image

values := ["critical_bug", "daily", "monthly", "never", "quarterly", "weekly", "yearly"]

verdict := image.verdict(input, known) if {
	found := image.property(input.resource, "replace_frequency")
	known := found in values
}

violations contains image.violation(input.resource, "replace_frequency", image.one_of(values), values) if {
	verdict == "fail"
}
