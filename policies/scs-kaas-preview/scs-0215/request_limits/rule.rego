# METADATA
# title: The API server bounds requests
# description: >-
#   scs-0215-v1: kube-apiserver is started with `max-requests-inflight`, `max-
#   mutating-requests-inflight` and `min-request-timeout`.
# scope: package
# custom:
#   id: scs-preview-0215-request-limits
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0215-v1-robustness-features
#   remediation: >-
#     Set the flags in the configuration of the control plane: apiServer.extraArgs
#     of kubeadm.
package scs_kaas_preview.scs_0215.request_limits

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "kube-apiserver")

wanted := ["max-requests-inflight", "max-mutating-requests-inflight", "min-request-timeout"]

faults := {component.fault(p, flag, value, "a number above 0") |
	some p in found
	some flag in wanted
	value := object.get(component.flags(p), flag, null)
	count([1 | regex.match(`^[1-9][0-9]*$`, sprintf("%v", [value]))]) == 0
}

judgement := component.judge(found, "kube-apiserver", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
