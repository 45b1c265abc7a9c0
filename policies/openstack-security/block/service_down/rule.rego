# METADATA
# title: The services of Cinder run
# description: >-
#   Each is up and enabled, and its replication is not broken. Volumes on a backend whose
#   service is down cannot be created, attached or deleted; do not upgrade before they
#   run.
# scope: package
# custom:
#   id: os.block.service-down
#   severity: high
#   input: resource
#   kinds: [block-storage.service]
#   requires:
#     block-storage.service: [/binary, /host, /state, /status]
#   standard: https://docs.openstack.org/api-ref/block-storage/v3/#services-os-services
#   remediation: >-
#     Read the log of the service on its host and start it again (kolla-ansible: `docker
#     restart cinder_volume`); `openstack volume service set --enable HOST BINARY` for one
#     that was disabled; remove what is gone for good with `cinder-manage service remove
#     BINARY HOST`.
package os.block.service_down

import rego.v1

body := input.resource.body

violations contains {
	"message": sprintf("%s on `%s` is down", [body.binary, body.host]),
	"path": "/state",
	"found": "down",
	"wanted": "up",
} if {
	body.state == "down"
}

violations contains {
	"message": sprintf("%s on `%s` is disabled: %v", [body.binary, body.host, object.get(body, "disabled_reason", null)]),
	"path": "/status",
	"found": "disabled",
	"wanted": "enabled",
} if {
	body.status == "disabled"
}

violations contains {
	"message": sprintf("the replication of %s on `%s` is broken", [body.binary, body.host]),
	"path": "/replication_status",
	"found": "error",
	"wanted": "enabled",
} if {
	body.replication_status == "error"
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	body.state == "up"
	body.status == "enabled"
	count(violations) == 0
}
