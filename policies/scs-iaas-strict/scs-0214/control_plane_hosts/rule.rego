# METADATA
# title: Servers of a control plane run on hosts of their own
# description: >-
#   scs-0214-v2: control planes of Kubernetes are spread over several physical machines.
#   Nova shows each project by a hash (`hostId`) which of its servers share a host. Only
#   control planes that can be recognised are judged: those of Cluster API (security group
#   `k8s-cluster-<cluster>-secgroup-controlplane`), of Magnum's Heat driver (security group
#   `<stack>-secgroup_kube_master-<id>`), of kOps (metadata `KopsRole` and `k8s`) and of
#   Kubespray (metadata `kubespray_groups` and `depends_on`). Gardener runs control planes
#   as pods of another cluster, so that no server is one. Where none is recognised there
#   is no verdict. `spread: several` is content with two hosts, as the text is;
#   `spread: distinct` wants one for each server, and two at least.
# scope: package
# custom:
#   id: scs-strict-0214-control-plane-hosts
#   severity: high
#   input: collection
#   kinds: [compute.server]
#   visibility: member
#   requires:
#     compute.server: [/id, /name, /hostId, /metadata, /tenant_id]
#   standard: https://docs.scs.community/standards/scs-0214-v2-k8s-node-distribution
#   remediation: >-
#     Put the control plane into a server group: openstack server group create --policy
#     anti-affinity <name>, and its id into the template of the control plane machines;
#     until they are replaced, move one away: openstack server migrate --live-migration
#     <server>.
#   parameters:
#     spread: distinct
package scs_strict.scs_0214.control_plane_hosts

import rego.v1

servers := input.resources["compute.server"]

# Security groups as Nova lists them; a server without a port has none.
groups(s) := {g.name | some g in object.get(s.body, "security_groups", [])}

# [server, [project, tool, cluster]] of each server that belongs to a control plane.
belonging contains [id, [s.body.tenant_id, "Cluster API", found[1]]] if {
	some id, s in servers
	some name in groups(s)
	contains(name, "secgroup")
	some found in regex.find_all_string_submatch_n(`^k8s-cluster-(.+)-secgroup-controlplane$`, name, 1)
}

belonging contains [id, [s.body.tenant_id, "Magnum", found[1]]] if {
	some id, s in servers
	some name in groups(s)
	contains(name, "secgroup")
	some found in regex.find_all_string_submatch_n(`^(.+)-secgroup_kube_master-[a-z0-9]+$`, name, 1)
}

belonging contains [id, [s.body.tenant_id, "kOps", s.body.metadata.k8s]] if {
	some id, s in servers
	s.body.metadata.KopsRole in {"ControlPlane", "Master"}
}

belonging contains [id, [s.body.tenant_id, "Kubespray", s.body.metadata.depends_on]] if {
	some id, s in servers
	some group in split(s.body.metadata.kubespray_groups, ",")
	trim_space(group) in {"kube_control_plane", "kube-master"}
}

# {cluster: ids of its servers}
members[c] contains id if {
	some pair in belonging
	id := pair[0]
	c := pair[1]
}

# {cluster: {"hosts", "unplaced", "wanted"}}; servers without a host yet may come to
# any.
spread := {c: {"hosts": count(hosts - {"", null}), "unplaced": unplaced, "wanted": wanted(count(ids))} |
	some c, ids in members
	hosts := {servers[id].body.hostId | some id in ids}
	unplaced := count([1 | some id in ids; count({servers[id].body.hostId} & {"", null}) == 1])
}

wanted(size) := max({2, size}) if input.parameters.spread == "distinct"

wanted(_) := 2 if input.parameters.spread == "several"

crowded := {c | some c, s in spread; s.hosts + s.unplaced < s.wanted}

open := {c | some c, s in spread; s.hosts < s.wanted; s.hosts + s.unplaced >= s.wanted}

judged if {
	count(belonging) > 0
	count(spread) == count(members)
}

verdict := "fail" if {
	judged
	count(crowded) > 0
}

verdict := "abort" if {
	judged
	count(crowded) == 0
	count(open) > 0
}

verdict := "pass" if {
	judged
	count(crowded) == 0
	count(open) == 0
}

verdict := "abort" if count(belonging) == 0

reason := sprintf("none of %d servers is recognised as control plane of a cluster", [count(servers)]) if {
	count(belonging) == 0
}

reason := sprintf(
	"servers without a host belong to the control planes %s",
	[concat(", ", sort({c[2] | some c in open}))],
) if {
	count(open) > 0
}

violations contains {
	"resource": servers[min(members[c])].key,
	"message": sprintf(
		"the control plane of cluster `%v` (%s) has %d servers on %d hosts, wanted %d: %s",
		[c[2], c[1], count(members[c]), spread[c].hosts, spread[c].wanted, concat(", ", sort({servers[id].body.name | some id in members[c]}))],
	),
	"path": "/hostId",
	"found": sort({sprintf("%s on %s", [servers[id].body.name, substring(servers[id].body.hostId, 0, 8)]) | some id in members[c]}),
	"wanted": spread[c].wanted,
} if {
	verdict == "fail"
	some c in crowded
}
