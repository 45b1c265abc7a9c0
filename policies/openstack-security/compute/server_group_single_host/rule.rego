# METADATA
# title: Members of an anti-affinity group are on different hosts
# description: >-
#   Servers that somebody wanted apart share a host, after an evacuation, a forced migration
#   or, for soft groups, for lack of room: one host takes them all down. `max_server_per_host`
#   of the group counts.
# scope: package
# custom:
#   id: os.compute.server-group-single-host
#   severity: medium
#   input: resource
#   kinds: [compute.server_group]
#   requires:
#     compute.server_group: [/name, /policy, /members]
#   joins:
#   - {name: servers, kind: compute.server, key: /members}
#   standard: https://docs.openstack.org/nova/latest/user/availability-zones.html
#   remediation: >-
#     openstack server migrate --live-migration SERVER, without naming a host, so that the
#     scheduler heeds the group; more hosts if none has room.
package os.compute.server_group_single_host

import rego.v1

body := input.resource.body

apart if body.policy in ["anti-affinity", "soft-anti-affinity"]

most := object.get(object.get(body, "rules", {}), "max_server_per_host", 1)

placed contains {"id": id, "name": server.name, "host": server.hostId} if {
	some id, server in input.joined.servers
	is_string(server.hostId)
}

# Servers that are shelved or not yet scheduled are on none.
hosts contains one.host if {
	some one in placed
	one.host != ""
}

shared[host] := names if {
	some host in hosts
	ids := {one.id | some one in placed; one.host == host}
	count(ids) > most
	names := {one.name | some one in placed; one.host == host}
}

violations contains {
	"message": sprintf("%s of group `%s` (%s) share a host", [concat(", ", sort(names)), body.name, body.policy]),
	"path": "/members",
	"found": host,
	"wanted": sprintf("at most %d on a host", [most]),
} if {
	apart
	some host, names in shared
}

missing contains id if {
	seen := object.keys(input.joined.servers)
	some id in body.members
	not id in seen
}

verdict := "pass" if {
	is_string(body.policy)
	not apart
}

verdict := "pass" if {
	apart
	count(violations) == 0
	count(placed) == count(input.joined.servers)
	count(missing) == 0
}

verdict := "abort" if {
	apart
	count(violations) == 0
	count(missing) > 0
}

reason := sprintf("server `%s` of the group is not in the snapshot", [min(missing)]) if verdict == "abort"

verdict := "fail" if count(violations) > 0
