# METADATA
# title: Images ask for a virtual source of randomness
# description: >-
#   In no version of the scope, and not judged by the reference suite.
# scope: package
# custom:
#   id: scs-0101-image-property
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0101-v1-entropy
#   remediation: >-
#     openstack image set --property hw_rng_model=virtio <image>
#   parameters:
#     mode: reference
package scs.scs_0101.image_property

import rego.v1

import data.scs.lib.image

verdict := image.verdict(input, right) if {
	found := image.property(input.resource, "hw_rng_model")
	right := found == "virtio"
}

violations contains image.violation(input.resource, "hw_rng_model", "not `virtio`", "virtio") if {
	verdict == "fail"
}
