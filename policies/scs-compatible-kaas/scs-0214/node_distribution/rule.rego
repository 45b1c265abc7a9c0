# METADATA
# title: The control plane runs on several physical machines
# description: >-
#   Decided by people: a signed statement. Mode strict also looks at what scs-0214-v2 asks
#   of every node, the labels `topology.kubernetes.io/region` and
#   `topology.kubernetes.io/zone`. Which machines servers run on is judged by
#   scs-strict-0214-control-plane-servers, if the cloud below is in the same store.
# scope: package
# custom:
#   id: node-distribution-check
#   severity: high
#   input: collection
#   per: subject
#   kinds: [attestation.statement, core.Node]
#   visibility: member
#   requires:
#     core.Node: [/metadata/name]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0214-v2-k8s-node-distribution
#   remediation: >-
#     Write a statement on how control planes are spread over physical machines, with
#     `testcase: node-distribution-check` and the documents it rests on; sign it:
#     ssh-keygen -Y sign -f <key> -n attestation <file>; and collect again with it. Labels
#     are set by the cloud controller manager: let it run in every cluster.
#   parameters:
#     mode: reference
package scs.scs_0214.node_distribution

import rego.v1

import data.scs.lib.attestation
import data.scs.lib.node
import data.scs.lib.utc

attested := attestation.judge(input, "node-distribution-check")

unlabelled := node.unlabelled(input.resources["core.Node"])

mislabelled if {
	input.parameters.mode == "strict"
	count(unlabelled) > 0
}

judgement := {"verdict": "fail", "violations": unlabelled, "until": utc.forever} if {
	mislabelled
} else := attested

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
