# METADATA
# title: Servers start from images whose signature was checked
# description: >-
#   With `trusted_image_certificates` Nova checks the image's signature against certificates
#   that the user trusts before it starts the server (API 2.63). Servers started from a volume
#   cannot have them.
# scope: package
# custom:
#   id: os.compute.server-no-trusted-certs
#   severity: low
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/trusted_image_certificates]
#   controls: ['prowler:compute_instance_trusted_image_certificates']
#   standard: https://docs.openstack.org/nova/latest/user/certificate-validation.html
#   remediation: >-
#     openstack server create --trusted-image-cert CERTIFICATE …, of a signed image, with
#     `[glance] enable_certificate_validation = true` in nova.conf. Images without a valid
#     signature then do not start.
package os.compute.server_no_trusted_certs

import rego.v1

body := input.resource.body

trusted := body.trusted_image_certificates

none if trusted == null

none if trusted == []

verdict := "pass" if {
	is_array(trusted)
	count(trusted) > 0
}

verdict := "fail" if none

violations contains {
	"message": "no certificate is named that the image's signature must be of",
	"path": "/trusted_image_certificates",
	"found": trusted,
	"wanted": "ids of certificates",
} if {
	none
}
