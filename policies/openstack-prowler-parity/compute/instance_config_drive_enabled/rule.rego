# METADATA
# title: Compute instances have config drive enabled
# description: >-
#   As `os.compute.server-no-config-drive`.
# scope: package
# custom:
#   id: prowler.compute_instance_config_drive_enabled
#   severity: low
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/config_drive]
#   controls: ['prowler:compute_instance_config_drive_enabled']
#   standard: https://hub.prowler.com/check/compute_instance_config_drive_enabled
#   remediation: >-
#     openstack server create --use-config-drive …; a server that exists cannot be given
#     one.
package prowler.compute_instance_config_drive_enabled

import rego.v1

body := input.resource.body

bad if body.config_drive == ""

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.config_drive)
	not bad
}

violations contains {
	"message": "the server has no config drive",
	"path": "/config_drive",
	"found": "",
	"wanted": "True",
} if {
	bad
}
