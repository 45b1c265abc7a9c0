# METADATA
# title: Images for confidential computing have their memory encrypted
# description: >-
#   An image with one of the `tags` has `hw_mem_encryption` true, so that the host cannot
#   read the memory of its servers (AMD SEV). The flavor may ask for it in its place
#   (`hw:mem_encryption`), which is not seen here.
# scope: package
# custom:
#   id: os.image.no-mem-encryption
#   severity: info
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/tags]
#   controls: ['prowler:image_hw_mem_encryption_enabled']
#   standard: https://docs.openstack.org/nova/latest/admin/sev.html
#   remediation: >-
#     openstack image set --property hw_mem_encryption=true --property
#     hw_firmware_type=uefi --property hw_machine_type=q35 IMAGE. Its servers start only
#     on hosts with AMD SEV, and cannot be migrated live or suspended.
#   parameters:
#     tags: [confidential]
package os.image.no_mem_encryption

import rego.v1

body := input.resource.body

confidential if {
	some tag in body.tags
	tag in input.parameters.tags
}

encrypted if lower(sprintf("%v", [object.get(body, "hw_mem_encryption", null)])) in {"true", "1", "yes", "on"}

verdict := "pass" if {
	is_array(body.tags)
	not confidential
}

verdict := "pass" if {
	confidential
	encrypted
}

verdict := "fail" if {
	confidential
	not encrypted
}

violations contains {
	"message": "the image is for confidential computing and does not ask for encrypted memory",
	"path": "/hw_mem_encryption",
	"found": object.get(body, "hw_mem_encryption", null),
	"wanted": true,
} if {
	confidential
	not encrypted
}
