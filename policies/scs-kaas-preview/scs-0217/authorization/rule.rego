# METADATA
# title: The API server authorizes requests
# description: >-
#   scs-0217-v1: `authorization-mode` has Node and one of ABAC, RBAC and Webhook,
#   and does not allow everything. A file (`authorization-config`) in its place no
#   API shows.
# scope: package
# custom:
#   id: scs-preview-0217-authorization
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0217-v1-baseline-cluster-security
#   remediation: >-
#     Start kube-apiserver with --authorization-mode=Node,RBAC.
package scs_kaas_preview.scs_0217.authorization

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "kube-apiserver")

modes(p) := component.list(component.flags(p), "authorization-mode")

in_file := {id | some id, p in found; component.flags(p)["authorization-config"]}

faults := {component.fault(p, "authorization-mode", concat(",", sort(modes(p))), "Node and RBAC") |
	some id, p in found
	count({id} & in_file) == 0
	count([1 | good(modes(p))]) == 0
}

good(set) if {
	"Node" in set
	count(set & {"ABAC", "RBAC", "Webhook"}) > 0
	count({"AlwaysAllow"} & set) == 0
}

judgement := {"verdict": "abort", "reason": "the modes of authorization stand in a file that no API shows"} if {
	count(in_file) > 0
	count(faults) == 0
} else := component.judge(found, "kube-apiserver", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
