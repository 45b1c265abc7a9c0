# METADATA
# title: Images that name their hypervisor do so as Glance does
# description: >-
#   scs-0102-v1, "Technical requirements and features", recommends `hypervisor_type` and
#   refers to the properties that Glance documents. In Glance's list `qemu` stands for
#   QEMU and KVM. An image without the property is not judged.
# scope: package
# custom:
#   id: scs-strict-0102-hypervisor-type
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata#technical-requirements-and-features
#   remediation: "openstack image set --property hypervisor_type=qemu <image>"
#   parameters:
#     mode: strict
#     glance: [hyperv, ironic, lxc, qemu, uml, vmware, xen]
package scs_strict.scs_0102.hypervisor_type

import rego.v1

import data.scs.lib.image
import data.scs_strict.lib.image as vocabulary

words := input.parameters.glance

verdict := image.verdict(input, vocabulary.ok(input.resource, "hypervisor_type", array.concat(words, [null])))

violations contains image.violation(input.resource, "hypervisor_type", image.one_of(words), words) if {
	verdict == "fail"
}
