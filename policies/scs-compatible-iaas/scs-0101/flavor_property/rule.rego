# METADATA
# title: Flavors let servers use the hardware generator of random numbers
# description: >-
#   In no version of the scope, and not judged by the reference suite.
# scope: package
# custom:
#   id: scs-0101-flavor-property
#   severity: low
#   input: collection
#   kinds: [compute.flavor, identity.token]
#   visibility: member
#   requires:
#     compute.flavor: [/extra_specs]
#   standard: https://docs.scs.community/standards/scs-0101-v1-entropy
#   remediation: >-
#     openstack flavor set --property hw_rng:allowed=True <flavor>
#   parameters:
#     mode: reference
package scs.scs_0101.flavor_property

import rego.v1

import data.scs.lib.shown

offered := shown.looked_at(input, "compute.flavor", {"os-flavor-access:is_public"})

wrong := {id |
	some id, flavor in offered
	lower(allowed(flavor)) != "true"
}

verdict := "pass" if {
	is_object(offered)
	count(wrong) == 0
}

verdict := "fail" if {
	is_object(offered)
	count(wrong) > 0
}

allowed(flavor) := sprintf("%v", [object.get(flavor.body.extra_specs, "hw_rng:allowed", "absent")])

violations contains {
	"resource": offered[id].key,
	"message": sprintf("flavor `%v`: `hw_rng:allowed` is %s, must be `True`", [
		object.get(offered[id].body, "name", null),
		allowed(offered[id]),
	]),
	"path": "/extra_specs/hw_rng:allowed",
	"found": object.get(offered[id].body.extra_specs, "hw_rng:allowed", null),
	"wanted": "True",
} if {
	verdict == "fail"
	some id in wrong
}
