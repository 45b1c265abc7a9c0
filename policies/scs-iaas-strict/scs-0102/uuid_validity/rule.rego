# METADATA
# title: Images say how long their id stays valid
# description: >-
#   scs-0102-v1, "Image updating": `uuid_validity` is mandatory, and `none`, `last-N`, a
#   date as YYYY-MM-DD, `notice` or `forever`. One snapshot shows the promise only; that
#   replaced images stay, as it says, shows in the history of snapshots.
# scope: package
# custom:
#   id: scs-strict-0102-uuid-validity
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata#image-updating
#   remediation: "openstack image set --property uuid_validity=last-3 <image>"
#   parameters:
#     mode: strict
package scs_strict.scs_0102.uuid_validity

import rego.v1

import data.scs.lib.image
import data.scs.lib.utc

found := image.property(input.resource, "uuid_validity")

kept := true if {
	found in {"none", "notice", "forever"}
} else := true if {
	is_string(found) == true
	regex.match(`^last-[0-9]+$`, found)
} else := true if {
	is_string(found) == true
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, found)
	utc.seconds(found) != null
} else := false

verdict := image.verdict(input, kept)

violations contains image.violation(
	input.resource,
	"uuid_validity",
	"neither none, last-N, a date, notice nor forever",
	"none, last-N, YYYY-MM-DD, notice or forever",
) if {
	verdict == "fail"
}
