# METADATA
# title: Nobody but administrators may do everything
# description: >-
#   Subjects with every verb on every resource in the whole cluster: `cluster-admin` and
#   roles like it. Name your administrators in `exempt_subjects` (`Group/-/admins`). What
#   Kubernetes ships does not count (`system:masters`).
# scope: package
# custom:
#   id: k8s.rbac.cluster-admin
#   severity: critical
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0035']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     kubectl delete clusterrolebinding NAME, after binding a role with the verbs and
#     resources that the subject uses (`kubectl auth can-i --list --as=SUBJECT` shows what
#     it has). What it did beyond those is then forbidden.
#   parameters:
#     exempt_subjects: []
package k8s.rbac.cluster_admin

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may do everything", "*", binding, role),
	"path": "/can/everything/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["everything"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
