# METADATA
# title: Images have Secure Boot set to required
# description: >-
#   Every image without it fails, also those that cannot start so.
# scope: package
# custom:
#   id: prowler.image_secure_boot_enabled
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/id]
#   controls: ['prowler:image_secure_boot_enabled']
#   standard: https://hub.prowler.com/check/image_secure_boot_enabled
#   remediation: >-
#     openstack image set --property os_secure_boot=required --property
#     hw_firmware_type=uefi IMAGE. It starts on hosts with a signed UEFI firmware only.
package prowler.image_secure_boot_enabled

import rego.v1

body := input.resource.body

value := object.get(body, "os_secure_boot", "")

bad if value != "required"

verdict := "fail" if bad

verdict := "pass" if {
	is_string(value)
	not bad
}

violations contains {
	"message": "the image does not require secure boot",
	"path": "/os_secure_boot",
	"found": value,
	"wanted": "required",
} if {
	bad
}
