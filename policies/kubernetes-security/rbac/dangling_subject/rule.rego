# METADATA
# title: Bindings refer to what exists
# description: >-
#   A binding to a service account or role that is missing grants its rights to whoever
#   creates that. What Kubernetes ships does not count.
# scope: package
# custom:
#   id: k8s.rbac.dangling-subject
#   severity: low
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/subject, /bindings]
#   joins:
#   - {name: accounts, kind: core.ServiceAccount, key: /subject/namespace, field: /metadata/namespace}
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     kubectl delete rolebinding NAME -n NAMESPACE (or clusterrolebinding), or create what
#     it refers to.
#   parameters:
#     exempt_subjects: []
package k8s.rbac.dangling_subject

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": sprintf("`%s` binds %s to the missing role `%s`", [access.short(binding), access.subject(input), access.short(grant.role)]),
	"path": "/bindings",
	"found": grant.role,
	"wanted": null,
} if {
	some binding, grant in body.bindings
	grant.missing == true
	access.counts(input, binding)
}

exists if {
	some account in input.joined.accounts
	account.metadata.name == body.subject.name
}

violations contains {
	"message": sprintf("`%s` binds the missing %s", [access.short(binding), access.subject(input)]),
	"path": "/subject",
	"found": access.subject(input),
	"wanted": null,
} if {
	body.subject.kind == "ServiceAccount"
	not exists
	some binding, _ in body.bindings
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
