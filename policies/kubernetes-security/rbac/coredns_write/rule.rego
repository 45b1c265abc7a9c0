# METADATA
# title: Nobody rewrites the names of the cluster
# description: >-
#   Whoever writes the ConfigMap `coredns` in `kube-system` sends the traffic of all pods
#   where they like. What Kubernetes ships does not count, nor subjects in
#   `exempt_subjects`, by default the service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.coredns-write
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /named, /bindings]
#   controls: ['kubescape:C-0037']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Bind the role in the namespaces whose ConfigMaps the subject manages, not in the whole
#     cluster, and limit rights in `kube-system` with `resourceNames`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.coredns_write

import rego.v1

import data.k8s.lib.access

body := input.resource.body

places := ["*", "kube-system"]

violations contains {
	"message": access.message(input, "may change the ConfigMap `coredns`", where, binding, role),
	"path": sprintf("/can/write-configmaps/%s", [where]),
	"found": binding,
	"wanted": null,
} if {
	some where in places
	some binding, role in body.can["write-configmaps"][where]
	access.counts(input, binding)
}

violations contains {
	"message": access.message(input, "may change the ConfigMap `coredns`", where, binding, role),
	"path": sprintf("/named/write-configmaps/%s", [where]),
	"found": binding,
	"wanted": null,
} if {
	some where in places
	some binding, names in body.named["write-configmaps"][where]
	some name in names
	name == "coredns"
	role := body.bindings[binding].role
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
