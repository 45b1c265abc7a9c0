# METADATA
# title: Images name their distribution
# description: >-
#   Mode `strict` also wants the lower case that the text demands.
# scope: package
# custom:
#   id: scs-0102-prop-os_distro
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `os_distro` to the lower-case name that Glance lists: openstack image set
#     --property os_distro=ubuntu <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_os_distro

import rego.v1

import data.scs.lib.image

verdict := image.verdict(input, ok(input.resource, input.parameters.mode))

# The text also wants a name from the list of Glance, all of which are lower case.
ok(resource, "reference") := image.filled(resource, "os_distro")

ok(resource, "strict") := {image.filled(resource, "os_distro"), lower(found) == found} == {true} if {
	found := sprintf("%v", [image.property(resource, "os_distro")])
}

violations contains image.violation(
	input.resource,
	"os_distro",
	"which must name the distribution in lower case",
	"a name such as ubuntu",
) if {
	verdict == "fail"
}
