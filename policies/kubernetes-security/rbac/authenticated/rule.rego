# METADATA
# title: No rights for everybody with a credential
# description: >-
#   Bindings to `system:authenticated`, `system:serviceaccounts` and the service accounts of
#   a namespace as a group, beyond what Kubernetes ships and `allowed_roles`.
# scope: package
# custom:
#   id: k8s.rbac.authenticated
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/subject, /bindings]
#   controls: ['kubescape:C-0265']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Bind a group or service account of your own instead, then kubectl delete
#     clusterrolebinding NAME. Everybody who relied on it without being in that group loses
#     it.
#   parameters:
#     allowed_roles:
#     - system:basic-user
#     - system:discovery
#     - system:public-info-viewer
#     - system:service-account-issuer-discovery
#     - system:openshift:public-info-viewer
package k8s.rbac.authenticated

import rego.v1

import data.k8s.lib.access

body := input.resource.body

concerned if {
	body.subject.kind == "Group"
	body.subject.name in {"system:authenticated", "system:serviceaccounts"}
}

concerned if {
	body.subject.kind == "Group"
	name := body.subject.name
	startswith(name, "system:serviceaccounts:")
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
