# METADATA
# title: Images say in hours how soon urgent fixes come, if they say
# description: >-
#   Recommended. An image without the property passes.
# scope: package
# custom:
#   id: scs-0102-prop-hotfix_hours
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `hotfix_hours` to a number, or remove it: openstack image set --property
#     hotfix_hours=24 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_hotfix_hours

import rego.v1

import data.scs.lib.image

verdict := image.verdict(input, ok(image.property(input.resource, "hotfix_hours")))

ok(null) := true

# Digits of any script count, as they do for the reference suite.
ok(value) := regex.match(`^\p{Nd}*$`, sprintf("%v", [value])) if value != null

violations contains image.violation(input.resource, "hotfix_hours", "no number of hours", "decimal digits") if {
	verdict == "fail"
}
