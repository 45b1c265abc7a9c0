# METADATA
# title: Workloads are not in the namespace default
# description: >-
#   In `default` they share quotas, policies and service accounts with whatever is put there
#   by mistake.
# scope: package
# custom:
#   id: k8s.ns.default-used
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/namespace]
#   controls: ['kubescape:C-0061']
#   standard: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
#   remediation: >-
#     Create a namespace (`kubectl create namespace NAME`) and deploy there; Services,
#     claims and secrets move along, and clients use the new name `SERVICE.NAME`.
package k8s.ns.default_used

import rego.v1

body := input.resource.body

violations contains {
	"message": "it is in the namespace `default`",
	"path": "/metadata/namespace",
	"found": "default",
	"wanted": null,
} if {
	body.namespace == "default"
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
