# METADATA
# title: Nobody issues tokens of service accounts
# description: >-
#   Create on serviceaccounts/token in the whole cluster or in `kube-system` gives the
#   rights of every service account there. In other namespaces it does not count: `admin`
#   includes it, since whoever deploys there acts as its service accounts anyway. What
#   Kubernetes ships does not count, nor subjects in `exempt_subjects`, by default the
#   service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.token-create
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0282']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove create on `serviceaccounts/token` from the role, or limit it with
#     `resourceNames`. Secret stores and CSI drivers that log in for pods need it: name them
#     in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.token_create

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may issue tokens of service accounts", where, binding, role),
	"path": sprintf("/can/create-tokens/%s", [where]),
	"found": binding,
	"wanted": null,
} if {
	some where in ["*", "kube-system"]
	some binding, role in body.can["create-tokens"][where]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
