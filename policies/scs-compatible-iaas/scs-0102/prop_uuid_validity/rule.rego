# METADATA
# title: Images say how long their id stays valid
# description: >-
#   The reference suite accepts an image without the property; mode `strict` does not.
# scope: package
# custom:
#   id: scs-0102-prop-uuid_validity
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `uuid_validity` to `none`, `notice`, `forever`, `last-<n>` or a date: openstack
#     image set --property uuid_validity=last-3 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_uuid_validity

import rego.v1

import data.scs.lib.image
import data.scs.lib.utc

found := image.property(input.resource, "uuid_validity")

verdict := image.verdict(input, ok(found, input.parameters.mode))

ok(null, "reference") := true

ok(null, "strict") := false

ok(value, _) := true in {named, counted, dated} if {
	value != null
	named := value in {"none", "notice", "forever"}
	counted := regex.match(`^last-\p{Nd}+$`, sprintf("%v", [value]))
	dated := utc.seconds(value) != null
}

violations contains image.violation(
	input.resource,
	"uuid_validity",
	"neither a date nor `none`, `notice`, `forever` or `last-<n>`",
	"none, notice, forever, last-<n> or YYYY-MM-DD",
) if {
	verdict == "fail"
}
