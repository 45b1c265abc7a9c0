# METADATA
# title: Namespaces hold pods to the baseline
# description: >-
#   scs-0217-v1: PodSecurity admission is set to baseline or restricted at least,
#   recommended as enforce. Judges the labels of each namespace but those of
#   Kubernetes itself; a default for those without labels stands in a file that no
#   API shows.
# scope: package
# custom:
#   id: scs-preview-0217-pod-security
#   severity: medium
#   input: resource
#   kinds: [core.Namespace]
#   visibility: member
#   requires:
#     core.Namespace: [/metadata/name]
#   standard: https://docs.scs.community/standards/scs-0217-v1-baseline-cluster-security
#   remediation: >-
#     kubectl label namespace <name> pod-security.kubernetes.io/enforce=baseline
package scs_kaas_preview.scs_0217.pod_security

import rego.v1

name := input.resource.body.metadata.name

own := name in {"kube-system", "kube-public", "kube-node-lease"}

labels := object.get(input.resource.body.metadata, "labels", {})

levels := {level |
	some mode in ["enforce", "audit", "warn"]
	level := labels[sprintf("pod-security.kubernetes.io/%s", [mode])]
}

strict := levels & {"baseline", "restricted"}

verdict := "pass" if own

verdict := "pass" if count(strict) > 0

verdict := "fail" if {
	own == false
	count(levels) > 0
	count(strict) == 0
}

verdict := "abort" if {
	own == false
	count(levels) == 0
}

reason := "no label says a level, and the default of the API server is not shown" if verdict == "abort"

violations contains {
	"message": sprintf("namespace `%s` allows privileged pods", [name]),
	"path": "/metadata/labels/pod-security.kubernetes.io~1enforce",
	"found": sort(levels),
	"wanted": "baseline",
} if {
	verdict == "fail"
}
