# METADATA
# title: Critical servers are locked
# description: >-
#   A lock keeps members of the project from stopping or deleting a server by mistake. Servers
#   with one of `critical_tags` need it.
# scope: package
# custom:
#   id: os.compute.server-not-locked
#   severity: low
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/locked, /tags]
#   controls: ['prowler:compute_instance_locked_status_enabled']
#   standard: https://docs.openstack.org/api-ref/compute/#lock-server-lock-action
#   remediation: >-
#     openstack server lock --reason TEXT SERVER. Until it is unlocked, members of the project
#     cannot reboot, resize or delete it, nor attach volumes.
#   parameters:
#     critical_tags: [critical]
package os.compute.server_not_locked

import rego.v1

body := input.resource.body

critical contains tag if {
	some tag in body.tags
	tag in input.parameters.critical_tags
}

verdict := "pass" if body.locked == true

verdict := "pass" if {
	body.locked == false
	is_array(body.tags)
	count(critical) == 0
}

verdict := "fail" if {
	body.locked == false
	count(critical) > 0
}

violations contains {
	"message": sprintf("the server is tagged %s and not locked", [concat(", ", sort(critical))]),
	"path": "/locked",
	"found": false,
	"wanted": true,
} if {
	verdict == "fail"
}
