# METADATA
# title: Nobody changes admission webhooks but operators
# description: >-
#   A webhook sees and changes every object that is written, secrets included. What
#   Kubernetes ships does not count, nor subjects in `exempt_subjects`, by default the
#   service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.webhook-write
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0281']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove write verbs on validating- and mutatingwebhookconfigurations from the role.
#     Operators that renew the CA bundle of their own webhook need patch on it: limit that
#     with `resourceNames`, or name them in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.webhook_write

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may change admission webhooks", "*", binding, role),
	"path": "/can/write-webhooks/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["write-webhooks"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
