# METADATA
# title: Images name the version of their operating system
# scope: package
# custom:
#   id: scs-0102-prop-os_version
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `os_version` to the number of the release: openstack image set --property
#     os_version=24.04 <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_os_version

import rego.v1

import data.scs.lib.image

verdict := image.verdict(input, image.filled(input.resource, "os_version"))

violations contains image.violation(input.resource, "os_version", "which must say something", "a version such as 24.04") if {
	verdict == "fail"
}
