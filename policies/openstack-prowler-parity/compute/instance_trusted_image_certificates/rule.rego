# METADATA
# title: Compute instances use trusted image certificates
# description: >-
#   Servers started from a volume cannot have them and fail.
# scope: package
# custom:
#   id: prowler.compute_instance_trusted_image_certificates
#   severity: high
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/trusted_image_certificates]
#   controls: ['prowler:compute_instance_trusted_image_certificates']
#   standard: https://hub.prowler.com/check/compute_instance_trusted_image_certificates
#   remediation: >-
#     openstack server create --trusted-image-cert CERTIFICATE … of a signed image.
package prowler.compute_instance_trusted_image_certificates

import rego.v1

body := input.resource.body

bad if body.trusted_image_certificates in [null, []]

verdict := "fail" if bad

verdict := "pass" if {
	is_array(body.trusted_image_certificates)
	not bad
}

violations contains {
	"message": "no certificate is named that the image's signature must be of",
	"path": "/trusted_image_certificates",
	"found": body.trusted_image_certificates,
	"wanted": "ids of certificates",
} if {
	bad
}
