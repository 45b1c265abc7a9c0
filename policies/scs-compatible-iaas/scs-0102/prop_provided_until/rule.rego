# METADATA
# title: Images say until when they are provided
# description: >-
#   The reference suite accepts any text here; mode `strict` wants what the text demands.
# scope: package
# custom:
#   id: scs-0102-prop-provided_until
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `provided_until` to a date such as 2029-04-30, to `none` or to `notice`:
#     openstack image set --property provided_until=notice <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_provided_until

import rego.v1

import data.scs.lib.image
import data.scs.lib.utc

verdict := image.verdict(input, ok(input.resource, input.parameters.mode))

ok(resource, "reference") := image.filled(resource, "provided_until")

ok(resource, "strict") := true in {named, dated} if {
	found := image.property(resource, "provided_until")
	named := found in {"none", "notice"}
	dated := utc.seconds(found) != null
}

violations contains image.violation(
	input.resource,
	"provided_until",
	"neither a date nor `none` nor `notice`",
	"YYYY-MM-DD, none or notice",
) if {
	verdict == "fail"
}
