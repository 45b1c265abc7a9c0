# METADATA
# title: Images say what they are for
# description: >-
#   Mandatory in the next version of the scope, recommended before.
# scope: package
# custom:
#   id: scs-0102-prop-os_purpose
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v2-image-metadata
#   remediation: >-
#     Set `os_purpose`; `generic` for the one image of a distribution release that most
#     users want: openstack image set --property os_purpose=generic <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_os_purpose

import rego.v1

import data.scs.lib.image

values := ["custom", "generic", "gpu", "k8snode", "minimal", "network", "oldgeneric"]

verdict := image.verdict(input, known) if {
	found := image.property(input.resource, "os_purpose")
	known := found in values
}

violations contains image.violation(input.resource, "os_purpose", image.one_of(values), values) if {
	verdict == "fail"
}
