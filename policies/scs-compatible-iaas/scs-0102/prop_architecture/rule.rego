# METADATA
# title: Images say for which CPU architecture they are
# scope: package
# custom:
#   id: scs-0102-prop-architecture
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `architecture` to `x86_64`, `aarch64` or `risc-v` (lower case): openstack image
#     set --property architecture=x86_64 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_architecture

import rego.v1

import data.scs.lib.image

values := ["aarch64", "risc-v", "x86_64"]

verdict := image.verdict(input, known) if {
	found := image.property(input.resource, "architecture")
	known := found in values
}

violations contains image.violation(input.resource, "architecture", image.one_of(values), values) if {
	verdict == "fail"
}
