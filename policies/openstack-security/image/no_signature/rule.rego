# METADATA
# title: Images are signed
# description: >-
#   The four properties of a signature are there, so that Nova and Cinder can verify that
#   nobody changed the image. Whether they do verify it is in their configuration
#   ([glance] verify_glance_signatures) and not seen here. Images that are not active are
#   left out.
# scope: package
# custom:
#   id: os.image.no-signature
#   severity: low
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/status]
#   controls: ['prowler:image_signature_verification_enabled']
#   standard: https://docs.openstack.org/glance/latest/user/signature.html
#   remediation: >-
#     Sign the file before the upload (openssl dgst -sha256 -sign KEY -sigopt
#     rsa_padding_mode:pss), store the certificate in Barbican, and upload it with
#     `openstack image create --property img_signature=… --property
#     img_signature_hash_method=SHA-256 --property img_signature_key_type=RSA-PSS
#     --property img_signature_certificate_uuid=…`. Nova has to be able to read the
#     certificate.
package os.image.no_signature

import rego.v1

body := input.resource.body

properties := {
	"img_signature",
	"img_signature_hash_method",
	"img_signature_key_type",
	"img_signature_certificate_uuid",
}

active if body.status == "active"

lacking contains property if {
	some property in properties
	object.get(body, property, "") in {"", null}
}

verdict := "pass" if {
	is_string(body.status)
	not active
}

verdict := "pass" if {
	active
	count(lacking) == 0
}

verdict := "fail" if {
	active
	count(lacking) > 0
}

violations contains {
	"message": sprintf("the image is not signed: it lacks %s", [concat(", ", sort(lacking))]),
	"path": "/img_signature",
	"found": object.get(body, "img_signature", null),
	"wanted": "a signature",
} if {
	active
	count(lacking) > 0
}
