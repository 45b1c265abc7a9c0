# METADATA
# title: Nothing is bound to system:masters
# description: >-
#   Members of `system:masters` pass before RBAC is asked, and their certificates cannot be
#   revoked. Bindings to it are a sign that it is used for people. What Kubernetes ships
#   does not count.
# scope: package
# custom:
#   id: k8s.rbac.masters-group
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/subject, /bindings]
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Bind a group of your own (`kubeadm:cluster-admins` on kubeadm clusters), issue
#     credentials in that group, and delete the binding to `system:masters`. Keep one
#     certificate in `system:masters` locked away for emergencies.
#   parameters:
#     exempt_subjects: []
package k8s.rbac.masters_group

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": sprintf("%s has a role %s, by `%s`: `%s`", [access.subject(input), access.place(grant.namespace), access.short(binding), access.short(grant.role)]),
	"path": "/bindings",
	"found": binding,
	"wanted": null,
} if {
	body.subject.kind == "Group"
	body.subject.name == "system:masters"
	some binding, grant in body.bindings
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
