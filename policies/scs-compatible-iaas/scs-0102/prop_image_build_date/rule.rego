# METADATA
# title: Images say when they were built
# scope: package
# custom:
#   id: scs-0102-prop-image_build_date
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `image_build_date` to the day of the build, no later than the upload: openstack
#     image set --property image_build_date=2026-07-31 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_image_build_date

import rego.v1

import data.scs.lib.image
import data.scs.lib.utc

built := utc.seconds(image.property(input.resource, "image_build_date"))

created := utc.seconds(image.property(input.resource, "created_at"))

now := utc.instant(input.now)

verdict := image.verdict(input, ok(built, created, now))

# A date of which nobody can say whether it is before the upload.
verdict := "pass" if {
	undecided == true
	image.in_scope(input.resource, input.parameters.mode) == false
}

verdict := "abort" if {
	undecided == true
	image.in_scope(input.resource, input.parameters.mode) == true
}

reason := sprintf("%s has no `created_at` that is a time", [image.label(input.resource)]) if verdict == "abort"

undecided := {built != null, created == null} == {true}

ok(null, _, _) := false

ok(b, c, n) := {b <= c, b <= n} == {true} if {
	b != null
	c != null
}

# Only a build in the future, uploaded no earlier, becomes right by waiting.
valid_until := utc.rfc3339(built) if {
	built <= created
	built > now
} else := utc.forever if {
	verdict != "abort"
}

violations contains image.violation(
	input.resource,
	"image_build_date",
	sprintf("no date up to its upload at %s", [object.get(input.resource.body, "created_at", "an unknown time")]),
	"YYYY-MM-DD[ hh:mm[:ss]], not after created_at nor in the future",
) if {
	verdict == "fail"
}
