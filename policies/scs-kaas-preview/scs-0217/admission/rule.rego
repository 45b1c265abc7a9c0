# METADATA
# title: The API server admits what nodes and pods may do
# description: >-
#   scs-0217-v1: the admission plugins NodeRestriction and PodSecurity are enabled;
#   PodSecurity is by default.
# scope: package
# custom:
#   id: scs-preview-0217-admission
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0217-v1-baseline-cluster-security
#   remediation: >-
#     Start kube-apiserver with --enable-admission-plugins=NodeRestriction, and do
#     not disable PodSecurity.
package scs_kaas_preview.scs_0217.admission

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "kube-apiserver")

faults := restrictions | securities

restrictions := {component.fault(p, "enable-admission-plugins", value, "NodeRestriction among them") |
	some p in found
	flags := component.flags(p)
	value := object.get(flags, "enable-admission-plugins", null)
	count({"NodeRestriction"} & component.list(flags, "enable-admission-plugins")) == 0
}

securities := {component.fault(p, "disable-admission-plugins", flags["disable-admission-plugins"], "without PodSecurity") |
	some p in found
	flags := component.flags(p)
	"PodSecurity" in component.list(flags, "disable-admission-plugins")
}

judgement := component.judge(found, "kube-apiserver", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
