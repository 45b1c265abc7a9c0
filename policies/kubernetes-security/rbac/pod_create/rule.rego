# METADATA
# title: Pods are not created by everybody or everywhere
# description: >-
#   Whoever creates pods or workloads runs them as any service account of the namespace and
#   mounts its secrets. Fails for grants in the whole cluster, and for grants in a namespace
#   to the groups that everybody is in. What Kubernetes ships does not count, nor subjects
#   in `exempt_subjects`, by default the service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.pod-create
#   severity: medium
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0188']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Replace the ClusterRoleBinding by RoleBindings in the namespaces where the subject
#     deploys, and bind a group of your own instead of `system:authenticated` or
#     `system:serviceaccounts`. Deployments to other namespaces then fail; controllers that
#     create pods everywhere belong in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.pod_create

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may create pods", "*", binding, role),
	"path": "/can/create-pods/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["create-pods"]["*"]
	access.counts(input, binding)
}

violations contains {
	"message": access.message(input, "may create pods", where, binding, role),
	"path": sprintf("/can/create-pods/%s", [where]),
	"found": binding,
	"wanted": null,
} if {
	access.open_group(body)
	some where, bindings in body.can["create-pods"]
	where != "*"
	some binding, role in bindings
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
