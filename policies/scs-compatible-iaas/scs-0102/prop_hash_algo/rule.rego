# METADATA
# title: Images are hashed with a secure algorithm
# description: >-
#   Recommended. Glance computes the hash when the data is uploaded.
# scope: package
# custom:
#   id: scs-0102-prop-hash_algo
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Set `hashing_algorithm = sha512` in glance-api.conf and upload the image anew:
#     openstack image create --public --file <file> <image>
#   parameters:
#     mode: reference
package scs.scs_0102.prop_hash_algo

import rego.v1

import data.scs.lib.image

values := ["sha256", "sha512"]

verdict := image.verdict(input, ok(image.property(input.resource, "os_hash_algo")))

ok(value) := value in values

violations contains image.violation(input.resource, "os_hash_algo", image.one_of(values), values) if {
	verdict == "fail"
}
