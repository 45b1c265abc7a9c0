# METADATA
# title: Images name a known hypervisor, if any
# description: >-
#   Recommended. An image without the property passes.
# scope: package
# custom:
#   id: scs-0102-prop-hypervisor_type
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `hypervisor_type` to a name that Glance lists, or remove it: openstack image set
#     --property hypervisor_type=qemu <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_hypervisor_type

import rego.v1

import data.scs.lib.image

values := ["esxi", "hyper-v", "kvm", "qemu", "xen"]

verdict := image.verdict(input, ok(image.property(input.resource, "hypervisor_type")))

ok(null) := true

ok(value) := value in values if value != null

violations contains image.violation(input.resource, "hypervisor_type", image.one_of(values), values) if {
	verdict == "fail"
}
