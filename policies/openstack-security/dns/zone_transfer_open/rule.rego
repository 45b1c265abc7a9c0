# METADATA
# title: Zones are not offered to everybody
# description: >-
#   No open transfer request lets whoever has its key take the zone over, and no share
#   gives it to every project.
# scope: package
# custom:
#   id: os.dns.zone-transfer-open
#   severity: medium
#   input: resource
#   kinds: [dns.zone]
#   absent: [dns.zone, dns.zone_transfer_request, dns.zone_share]
#   requires:
#     dns.zone: [/id]
#     dns.zone_transfer_request: [/id, /status, /target_project_id, /zone_id]
#     dns.zone_share: [/id, /target_project_id, /zone_id]
#   joins:
#   - {name: requests, kind: dns.zone_transfer_request, key: /id, field: /zone_id}
#   - {name: shares, kind: dns.zone_share, key: /id, field: /zone_id}
#   standard: https://docs.openstack.org/designate/latest/user/index.html
#   remediation: >-
#     openstack zone transfer request delete REQUEST, and create it anew for the project
#     that is meant: `openstack zone transfer request create --target-project-id PROJECT
#     ZONE`; `openstack zone share delete ZONE SHARE`. The receiver needs the new key.
package os.dns.zone_transfer_open

import rego.v1

offered contains request.id if {
	some request in input.joined.requests
	object.get(request, "target_project_id", null) in {null, ""}
	request.status != "COMPLETE"
}

shared contains share.id if {
	some share in input.joined.shares
	share.target_project_id == "*"
}

violations contains {
	"message": sprintf("transfer request `%s` offers the zone to whoever has its key", [id]),
	"path": "",
	"found": id,
	"wanted": "a request for one project",
} if {
	some id in offered
}

violations contains {
	"message": sprintf("share `%s` gives the zone to every project", [id]),
	"path": "",
	"found": id,
	"wanted": "the projects that are meant",
} if {
	some id in shared
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
