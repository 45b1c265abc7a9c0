# METADATA
# title: Nodes of the control plane say that they are on different hosts
# description: >-
#   scs-0214: where a provider labels nodes with the physical host,
#   `topology.scs.community/host-id`, those of the control plane are on several.
#   Without the label there is no verdict.
# scope: package
# custom:
#   id: scs-strict-0214-host-labels
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.Node]
#   visibility: member
#   requires:
#     core.Node: [/metadata/name]
#   standard: https://docs.scs.community/standards/scs-0214-v2-k8s-node-distribution
#   remediation: >-
#     Put the machines of the control plane into a server group with the policy
#     anti-affinity.
#   parameters:
#     spread: distinct
package scs_kaas_strict.scs_0214.host_labels

import rego.v1

import data.scs.lib.node

label := "topology.scs.community/host-id"

nodes := {id: n | some id, n in input.resources["core.Node"]; node.is_control_plane(n)}

hosts := {host | some n in nodes; host := object.get(n.body.metadata, ["labels", label], ""); host != ""}

silent := {n.body.metadata.name | some n in nodes; object.get(n.body.metadata, ["labels", label], "") == ""}

wanted := max([2, count(nodes)]) if input.parameters.spread == "distinct"

wanted := 2 if input.parameters.spread == "several"

verdict := "abort" if count(nodes) == 0

verdict := "fail" if {
	count(nodes) > 0
	count(hosts) + count(silent) < wanted
}

verdict := "abort" if {
	count(hosts) < wanted
	count(hosts) + count(silent) >= wanted
	count(silent) > 0
}

verdict := "pass" if count(hosts) >= wanted

reason := "no node is marked as one of the control plane, which is managed elsewhere" if count(nodes) == 0

reason := sprintf("the label `%s` is not on %s", [label, concat(", ", sort(silent))]) if {
	count(nodes) > 0
	count(silent) > 0
}

violations contains {
	"message": sprintf("%d nodes of the control plane are on %d hosts", [count(nodes), count(hosts)]),
	"path": "/metadata/labels/topology.scs.community~1host-id",
	"found": sort(hosts),
	"wanted": wanted,
} if {
	verdict == "fail"
}
