# METADATA
# title: Nobody deletes events
# description: >-
#   Whoever deletes events removes the traces of what they did. What Kubernetes ships does
#   not count, nor subjects in `exempt_subjects`, by default the service accounts of
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.delete-events
#   severity: low
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls:
#   - 'kubescape:C-0031'
#   - 'nsa:audit-logging'
#   - 'bsi:APP.4.4.A3'
#   - 'bsi:APP.4.4.A9'
#   - 'c5:IDM-06'
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
	"message": access.message(input, "may delete events", where, binding, role),
	"path": sprintf("/can/delete-events/%s", [where]),
	"found": binding,
	"wanted": null,
} if {
	some where, bindings in body.can["delete-events"]
	some binding, role in bindings
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
