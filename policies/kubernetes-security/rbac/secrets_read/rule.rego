# METADATA
# title: Nobody reads the secrets of all namespaces
# description: >-
#   Get, list or watch on secrets in the whole cluster shows every password, key and service
#   account token in it. What Kubernetes ships does not count, nor subjects in
#   `exempt_subjects`, by default the service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.secrets-read
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0015']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Replace the ClusterRoleBinding by RoleBindings in the namespaces whose secrets are
#     needed, or limit the role with `resourceNames`. Controllers such as cert-manager or an
#     ingress read secrets everywhere: name those in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.secrets_read

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may read secrets", "*", binding, role),
	"path": "/can/read-secrets/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["read-secrets"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
