# METADATA
# title: The default service accounts have no rights
# description: >-
#   Pods that name no service account run as `default`: what it may do, all of those may.
#   What Kubernetes ships does not count.
# scope: package
# custom:
#   id: k8s.rbac.default-sa-bound
#   severity: medium
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/subject, /bindings]
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Create a service account for the workload that needs the role (`kubectl create
#     serviceaccount`), name it in `serviceAccountName`, bind the role to it, and delete the
#     old binding. Pods that still run as `default` lose the rights.
#   parameters:
#     exempt_subjects: []
package k8s.rbac.default_sa_bound

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": sprintf("%s has a role %s, by `%s`: `%s`", [access.subject(input), access.place(grant.namespace), access.short(binding), access.short(grant.role)]),
	"path": "/bindings",
	"found": binding,
	"wanted": null,
} if {
	body.subject.kind == "ServiceAccount"
	body.subject.name == "default"
	some binding, grant in body.bindings
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
