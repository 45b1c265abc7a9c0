# METADATA
# title: Nodes are spread over several zones
# description: >-
#   scs-0214-v2, recommended: nodes are in several zones. Where the cloud has only
#   one there is nothing to spread over, and the finding is to be waived.
# scope: package
# custom:
#   id: scs-strict-0214-zones
#   severity: low
#   input: collection
#   per: subject
#   kinds: [core.Node]
#   visibility: member
#   requires:
#     core.Node: [/metadata]
#   standard: https://docs.scs.community/standards/scs-0214-v2-k8s-node-distribution
#   remediation: >-
#     Add pools of nodes in other zones, and let the control plane use several
#     failure domains.
package scs_kaas_strict.scs_0214.zones

import rego.v1

nodes := input.resources["core.Node"]

zones := {zone | some n in nodes; zone := object.get(n.body.metadata, ["labels", "topology.kubernetes.io/zone"], ""); zone != ""}

verdict := "abort" if count(zones) == 0

reason := "no node says in which zone it is" if count(zones) == 0

verdict := "fail" if count(zones) == 1

verdict := "pass" if count(zones) > 1

violations contains {
	"message": sprintf("all nodes are in zone `%s`", [min(zones)]),
	"path": "/metadata/labels/topology.kubernetes.io~1zone",
	"found": 1,
	"wanted": 2,
} if {
	verdict == "fail"
}
