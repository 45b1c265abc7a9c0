# METADATA
# title: Nobody approves certificates but approvers
# description: >-
#   Whoever approves certificate signing requests issues credentials for any user or node
#   that the signer signs for, also if limited to some signers. What Kubernetes ships does
#   not count, nor subjects in `exempt_subjects`, by default the service accounts of
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.csr-approval
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /named, /bindings]
#   controls: ['kubescape:C-0280']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove update and patch on `certificatesigningrequests/approval`, or approve on
#     `signers`, from the role. Approvers of kubelet serving certificates need both, limited
#     to `kubernetes.io/kubelet-serving`: name them in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.csr_approval

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may approve certificate requests", "*", binding, role),
	"path": "/can/approve-csr/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["approve-csr"]["*"]
	access.counts(input, binding)
}

violations contains {
	"message": sprintf("%s: %s", [access.message(input, "may approve certificate requests", where, binding, role), concat(", ", names)]),
	"path": sprintf("/named/approve-csr/%s", [where]),
	"found": names,
	"wanted": null,
} if {
	some where, bindings in body.named["approve-csr"]
	some binding, names in bindings
	role := body.bindings[binding].role
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
