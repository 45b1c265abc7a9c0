# METADATA
# title: Pods have a controller
# description: >-
#   A pod without controller does not come back after its node is drained or lost. Static
#   pods of a kubelet are left out. Namespaces in `exempt_namespaces` are left out, by
#   default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.naked-pod
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /controller, /kind, /mirror, /namespace, /path]
#   controls: ['kubescape:C-0073']
#   standard: https://kubernetes.io/docs/concepts/workloads/controllers/
#   remediation: >-
#     Create a Deployment, StatefulSet or Job with the same pod spec, then delete the pod.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.workload.naked_pod

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": "nothing recreates this pod when its node is drained",
	"path": "/metadata/ownerReferences",
	"found": null,
	"wanted": "a controller",
} if {
	body.kind == "Pod"
	body.controller == null
	body.mirror == false
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
