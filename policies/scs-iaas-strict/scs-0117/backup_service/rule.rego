# METADATA
# title: A volume backup service is up
# description: >-
#   scs-0117-v1: a backup driver is set up. Cinder's own service that works it has to be
#   enabled and up. Whether its storage is apart from that of the volumes, as the standard
#   recommends, is not in any API.
# scope: package
# custom:
#   id: scs-strict-0117-backup-service
#   severity: high
#   input: collection
#   kinds: [block-storage.service]
#   requires:
#     block-storage.service: [/binary, /host, /status, /state]
#   standard: https://docs.scs.community/standards/scs-0117-v1-volume-backup-service
#   remediation: >-
#     Deploy and start cinder-backup; openstack volume service set --enable <host>
#     cinder-backup
package scs_strict.scs_0117.backup_service

import rego.v1

services := {id: s |
	some id, s in input.resources["block-storage.service"]
	s.body.binary == "cinder-backup"
}

working := {id |
	some id, s in services
	s.body.status == "enabled"
	s.body.state == "up"
}

verdict := "pass" if count(working) > 0

verdict := "fail" if count(working) == 0

violations contains {
	"message": "no service `cinder-backup` is known to Cinder",
	"path": "",
	"found": sort({s.body.binary | some s in input.resources["block-storage.service"]}),
	"wanted": "cinder-backup",
} if {
	verdict == "fail"
	count(services) == 0
}

violations contains {
	"resource": s.key,
	"message": sprintf(
		"`cinder-backup` on `%s` is %s and %s, not enabled and up",
		[s.body.host, s.body.status, s.body.state],
	),
	"path": "/state",
	"found": [s.body.status, s.body.state],
	"wanted": ["enabled", "up"],
} if {
	verdict == "fail"
	some s in services
}
