# METADATA
# title: Nobody without a credential has rights
# description: >-
#   Bindings to `system:anonymous` and `system:unauthenticated`, except those that
#   Kubernetes and kubeadm ship and the roles in `allowed_roles` (discovery and version,
#   which old clusters bind so).
# scope: package
# custom:
#   id: k8s.rbac.anonymous
#   severity: critical
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/subject, /bindings]
#   controls: ['kubescape:C-0262']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     kubectl delete clusterrolebinding NAME (or rolebinding). Whoever used it without a
#     credential, such as a health check from outside, needs one then.
#   parameters:
#     allowed_roles:
#     - system:public-info-viewer
#     - system:discovery
#     - system:openshift:public-info-viewer
package k8s.rbac.anonymous

import rego.v1

import data.k8s.lib.access

body := input.resource.body

concerned if {
	body.subject.kind == "User"
	body.subject.name == "system:anonymous"
}

concerned if {
	body.subject.kind == "Group"
	body.subject.name == "system:unauthenticated"
}

# Roles are shown by key; these are allowed by name.
allowed contains binding if {
	some binding, grant in body.bindings
	some name in input.parameters.allowed_roles
	endswith(grant.role, sprintf("ClusterRole/-/%s", [name]))
}

violations contains {
	"message": sprintf("%s has a role %s, by `%s`: `%s`", [access.subject(input), access.place(grant.namespace), access.short(binding), access.short(grant.role)]),
	"path": "/bindings",
	"found": binding,
	"wanted": null,
} if {
	concerned
	some binding, grant in body.bindings
	not grant.built_in == true
	not binding in allowed
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
