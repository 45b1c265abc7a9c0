# METADATA
# title: Servers of the control plane run on hosts of their own
# description: >-
#   scs-0214-v2: control planes are spread over several physical machines. Each node
#   of the control plane names its server (`spec.providerID`), and Nova shows the
#   project by a hash (`hostId`) which of its servers share a host. That takes the
#   cloud below in the same store, collected no later than the cluster. Managed
#   control planes, whose nodes are not shown, are not judged. `spread: several` is
#   content with two hosts, as the text is; `spread: distinct` wants one for each
#   server, and two at least.
# scope: package
# custom:
#   id: scs-strict-0214-control-plane-servers
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.Node]
#   visibility: member
#   requires:
#     core.Node: [/metadata/name]
#     compute.server: [/hostId, /tenant_id]
#   joins:
#   - {name: servers, kind: compute.server, key: /spec/providerID, subject: any}
#   standard: https://docs.scs.community/standards/scs-0214-v2-k8s-node-distribution
#   remediation: >-
#     Put the control plane into a server group: openstack server group create
#     --policy anti-affinity <name>, and its id into the template of the control
#     plane machines; until they are replaced, move one away: openstack server
#     migrate --live-migration <server>.
#   parameters:
#     spread: distinct
package scs_kaas_strict.scs_0214.control_plane_servers

import rego.v1

import data.scs.lib.node

nodes := {id: n | some id, n in input.resources["core.Node"]; node.is_control_plane(n)}

# {node: id of its server}
ids[name] := id if {
	some name, n in nodes
	found := object.get(n.body, ["spec", "providerID"], "")
	startswith(found, "openstack:")
	parts := split(found, "/")
	id := parts[count(parts) - 1]
}

strangers := {name | some name in object.keys(nodes); count([1 | ids[name]]) == 0}

# Without a server of that id in the store, or with several.
lost := {name |
	some name, id in ids
	count([1 | some key in object.keys(input.joined.servers); endswith(key, id)]) != 1
}

servers := {name: input.joined.servers[id] | some name, id in ids; count({name} & lost) == 0}

# Hashes of one project can be compared, those of several cannot.
projects := {s.tenant_id | some s in servers}

unplaced := {name | some name, s in servers; s.hostId in {"", null}}

hosts := {s.hostId | some s in servers; count({s.hostId} & {"", null}) == 0}

wanted := max([2, count(nodes)]) if input.parameters.spread == "distinct"

wanted := 2 if input.parameters.spread == "several"

unknown := (count(strangers) + count(lost)) + count(unplaced)

comparable if count(projects) < 2

verdict := "abort" if count(nodes) == 0

verdict := "abort" if count(projects) > 1

verdict := "fail" if {
	count(nodes) > 0
	comparable
	count(hosts) + unknown < wanted
}

verdict := "abort" if {
	comparable
	count(nodes) > 0
	count(hosts) < wanted
	count(hosts) + unknown >= wanted
}

# What is not known could share a host with another.
verdict := "abort" if {
	comparable
	count(nodes) > 0
	count(hosts) >= wanted
	unknown > 0
}

verdict := "pass" if {
	comparable
	count(nodes) > 0
	count(hosts) >= wanted
	unknown == 0
}

reason := "no node is marked as one of the control plane, which is managed elsewhere" if count(nodes) == 0

reason := sprintf("no server of OpenStack is named by %s", [concat(", ", sort(strangers))]) if {
	count(strangers) > 0
} else := sprintf("no one server of another subject is that of %s: `%s`", [min(lost), ids[min(lost)]]) if {
	count(lost) > 0
} else := sprintf("servers without a host belong to %s", [concat(", ", sort(unplaced))]) if {
	count(unplaced) > 0
} else := sprintf("the servers belong to %d projects, and hosts of several cannot be compared", [count(projects)]) if {
	count(projects) > 1
}

violations contains {
	"message": sprintf("%d servers of the control plane are on %d hosts", [count(nodes), count(hosts)]),
	"path": "/spec/providerID",
	"found": sort({sprintf("%s on %s", [name, substring(s.hostId, 0, 8)]) | some name, s in servers}),
	"wanted": wanted,
} if {
	verdict == "fail"
}
