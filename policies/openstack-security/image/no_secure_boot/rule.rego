# METADATA
# title: Images ask for secure boot
# description: >-
#   `os_secure_boot` is `required`, so that servers start only boot loaders and kernels
#   that are signed. Images that cannot be booted at the moment (status other than
#   `active`) are left out.
# scope: package
# custom:
#   id: os.image.no-secure-boot
#   severity: info
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/status]
#   controls: ['prowler:image_secure_boot_enabled']
#   standard: https://docs.openstack.org/nova/latest/admin/secure-boot.html
#   remediation: >-
#     openstack image set --property os_secure_boot=required --property
#     hw_firmware_type=uefi --property hw_machine_type=q35 IMAGE, if what is in it is
#     signed. Servers of the image that are started anew fail where no host has the trait
#     COMPUTE_SECURITY_UEFI_SECURE_BOOT.
package os.image.no_secure_boot

import rego.v1

body := input.resource.body

found := object.get(body, "os_secure_boot", null)

active if body.status == "active"

verdict := "pass" if {
	is_string(body.status)
	not active
}

verdict := "pass" if {
	active
	found == "required"
}

verdict := "fail" if {
	active
	found != "required"
}

violations contains {
	"message": "the image does not ask for secure boot",
	"path": "/os_secure_boot",
	"found": found,
	"wanted": "required",
} if {
	active
	found != "required"
}
