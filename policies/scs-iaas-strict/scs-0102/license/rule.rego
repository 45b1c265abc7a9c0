# METADATA
# title: Images say who brings the licence, and only one does
# description: >-
#   scs-0102-v1, "Licensing / Maintenance subscription / Support": `license_included` and
#   `license_required` are true or false and not both true, and images of commercial
#   software (`commercial`, by `os_distro`) have one of them true. Which software an image
#   contains is otherwise not in any API.
# scope: package
# custom:
#   id: scs-strict-0102-license
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata#licensing--maintenance-subscription--support
#   remediation: >-
#     openstack image set --property license_included=true <image>, or --property
#     license_required=true; openstack image unset --property license_required <image>
#   parameters:
#     mode: strict
#     commercial: [windows]
package scs_strict.scs_0102.license

import rego.v1

import data.scs.lib.image

# Absent is false.
says[name] := said if {
	some name in ["license_included", "license_required"]
	said := lower(sprintf("%v", [object.get(input.resource.body, name, false)]))
}

commercial := count({lower(sprintf("%v", [image.property(input.resource, "os_distro")]))} & {d | some d in input.parameters.commercial}) > 0

problems contains image.violation(input.resource, name, "neither true nor false", "true or false") if {
	some name, said in says
	count({said} & {"true", "false"}) == 0
}

problems contains image.violation(input.resource, "license_required", "and `license_included` too", "one of them") if {
	says.license_included == "true"
	says.license_required == "true"
}

problems contains image.violation(input.resource, "license_included", "as is `license_required`, and the software is commercial", "one of them true") if {
	commercial == true
	says.license_included == "false"
	says.license_required == "false"
}

ok := count(problems) == 0 if {
	is_boolean(commercial) == true
	count(says) == 2
}

verdict := image.verdict(input, ok)

violations contains v if {
	verdict == "fail"
	some v in problems
}
