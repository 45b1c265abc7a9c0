# METADATA
# title: Images ask for a paravirtual disk
# description: >-
#   The reference suite accepts an image without the property; mode `strict` does not.
# scope: package
# custom:
#   id: scs-0102-prop-hw_disk_bus
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `hw_disk_bus` to `scsi` or `virtio`, or remove it: openstack image set
#     --property hw_disk_bus=scsi <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_hw_disk_bus

import rego.v1

import data.scs.lib.image

values := ["scsi", "virtio"]

found := image.property(input.resource, "hw_disk_bus")

verdict := image.verdict(input, ok(found, input.parameters.mode))

ok(null, "reference") := true

ok(null, "strict") := false

ok(value, _) := value in values if value != null

violations contains image.violation(input.resource, "hw_disk_bus", image.one_of(values), values) if {
	verdict == "fail"
}
