# METADATA
# title: Nobody reaches the kubelets through the API
# description: >-
#   nodes/proxy gives the API of every kubelet, past admission and audit: commands in every
#   container. What Kubernetes ships does not count, nor subjects in `exempt_subjects`, by
#   default the service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.node-proxy
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0279']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove `nodes/proxy` from the role; for metrics grant get on `nodes/metrics`,
#     `nodes/stats`, `nodes/log` or (since 1.33) the finer kubelet subresources. Monitoring
#     that scrapes kubelets through the API server fails until it asks them directly.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.node_proxy

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may reach kubelets through nodes/proxy", "*", binding, role),
	"path": "/can/nodes-proxy/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["nodes-proxy"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
