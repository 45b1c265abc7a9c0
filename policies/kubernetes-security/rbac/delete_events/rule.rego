# METADATA
# title: Nobody deletes the events of all namespaces
# description: >-
#   Whoever deletes events removes the traces of what they did. Rights in single namespaces,
#   which `edit` and `admin` include, do not count. What Kubernetes ships does not count,
#   nor subjects in `exempt_subjects`, by default the service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.delete-events
#   severity: low
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0031']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove delete and deletecollection on `events` from the role; events go by themselves
#     after an hour. Roles with `*` on all resources include it.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.delete_events

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may delete events", "*", binding, role),
	"path": "/can/delete-events/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["delete-events"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
