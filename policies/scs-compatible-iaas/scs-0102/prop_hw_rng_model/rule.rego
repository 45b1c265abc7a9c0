# METADATA
# title: Images ask for a virtual source of randomness, if they say
# description: >-
#   Recommended. An image without the property passes.
# scope: package
# custom:
#   id: scs-0102-prop-hw_rng_model
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `hw_rng_model` to `virtio`, or remove it: openstack image set --property
#     hw_rng_model=virtio <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_hw_rng_model

import rego.v1

import data.scs.lib.image

values := ["virtio"]

verdict := image.verdict(input, ok(image.property(input.resource, "hw_rng_model")))

ok(null) := true

ok(value) := value in values if value != null

violations contains image.violation(input.resource, "hw_rng_model", image.one_of(values), values) if {
	verdict == "fail"
}
