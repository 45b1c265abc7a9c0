# METADATA
# title: Images have cryptographic signature verification enabled
# description: >-
#   All four `img_signature` properties are there. Nobody checks here that the signature
#   is right.
# scope: package
# custom:
#   id: prowler.image_signature_verification_enabled
#   severity: high
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/id]
#   controls: ['prowler:image_signature_verification_enabled']
#   standard: https://hub.prowler.com/check/image_signature_verification_enabled
#   remediation: >-
#     Sign the image data, store the certificate (openstack secret store), then openstack
#     image set --property img_signature=… --property img_signature_hash_method=SHA-256
#     --property img_signature_key_type=RSA-PSS --property
#     img_signature_certificate_uuid=… IMAGE.
package prowler.image_signature_verification_enabled

import rego.v1

body := input.resource.body

missing contains name if {
	some name in ["img_signature", "img_signature_hash_method", "img_signature_key_type", "img_signature_certificate_uuid"]
	object.get(body, name, "") == ""
}

bad if count(missing) > 0

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.id)
	not bad
}

violations contains {
	"message": sprintf("the image lacks %s", [concat(", ", sort(missing))]),
	"path": "",
	"found": concat(", ", sort(missing)),
	"wanted": "the four properties",
} if {
	bad
}
