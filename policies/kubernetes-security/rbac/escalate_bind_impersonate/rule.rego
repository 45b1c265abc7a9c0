# METADATA
# title: Nobody may raise their own rights
# description: >-
#   The verbs escalate, bind and impersonate, also if limited to some names: whoever has
#   them has what they lead to. Impersonating the service accounts of a namespace other than
#   `kube-system` does not count: `edit` and `admin` include it, since whoever deploys there
#   acts as them anyway. What Kubernetes ships does not count, nor subjects in
#   `exempt_subjects`, by default the service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.escalate-bind-impersonate
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /named, /bindings]
#   controls: ['kubescape:C-0065']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove the verbs from the role; limit what remains with `resourceNames`. Operators
#     that hand out roles, and dashboards that act for their users, stop working without:
#     name those in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.escalate_bind_impersonate

import rego.v1

import data.k8s.lib.access

body := input.resource.body

powers := {"escalate": "may escalate roles", "bind": "may bind roles it does not have", "impersonate": "may impersonate others"}

violations contains {
	"message": access.message(input, what, where, binding, role),
	"path": sprintf("/can/%s/%s", [power, where]),
	"found": binding,
	"wanted": null,
} if {
	some power, what in powers
	some where, bindings in body.can[power]
	not same_as_pods(power, where)
	some binding, role in bindings
	access.counts(input, binding)
}

# Whoever deploys to a namespace acts as its service accounts anyway.
same_as_pods("impersonate", where) if not where in {"*", "kube-system"}

violations contains {
	"message": sprintf("%s: %s", [access.message(input, what, where, binding, role), concat(", ", names)]),
	"path": sprintf("/named/%s/%s", [power, where]),
	"found": names,
	"wanted": null,
} if {
	some power, what in powers
	some where, bindings in body.named[power]
	some binding, names in bindings
	role := body.bindings[binding].role
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
