# METADATA
# title: Compute instances have locked status enabled
# description: >-
#   Every server that is not locked fails. `os.compute.server-not-locked` asks for it
#   where a tag says that the server is critical.
# scope: package
# custom:
#   id: prowler.compute_instance_locked_status_enabled
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/locked]
#   controls: ['prowler:compute_instance_locked_status_enabled']
#   standard: https://hub.prowler.com/check/compute_instance_locked_status_enabled
#   remediation: >-
#     openstack server lock SERVER. Members of the project cannot reboot, resize or
#     delete it until it is unlocked.
package prowler.compute_instance_locked_status_enabled

import rego.v1

body := input.resource.body

bad if body.locked == false

verdict := "fail" if bad

verdict := "pass" if {
	body.locked == true
	not bad
}

violations contains {
	"message": "the server is not locked",
	"path": "/locked",
	"found": false,
	"wanted": true,
} if {
	bad
}
