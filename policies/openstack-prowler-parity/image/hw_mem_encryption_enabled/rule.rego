# METADATA
# title: Images have hardware memory encryption enabled
# description: >-
#   Every image without `hw_mem_encryption` fails; with it, it starts on hosts with AMD
#   SEV only. `os.image.no-mem-encryption` asks for it where a tag says so.
# scope: package
# custom:
#   id: prowler.image_hw_mem_encryption_enabled
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/id]
#   controls: ['prowler:image_hw_mem_encryption_enabled']
#   standard: https://hub.prowler.com/check/image_hw_mem_encryption_enabled
#   remediation: >-
#     openstack image set --property hw_mem_encryption=True IMAGE. It starts on hosts
#     with AMD SEV and UEFI only.
package prowler.image_hw_mem_encryption_enabled

import rego.v1

body := input.resource.body

value := lower(object.get(body, "hw_mem_encryption", ""))

bad if value != "true"

verdict := "fail" if bad

verdict := "pass" if {
	is_string(value)
	not bad
}

violations contains {
	"message": "the image does not ask for encrypted memory",
	"path": "/hw_mem_encryption",
	"found": object.get(body, "hw_mem_encryption", null),
	"wanted": "true",
} if {
	bad
}
