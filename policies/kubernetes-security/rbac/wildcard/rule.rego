# METADATA
# title: Roles name what they grant
# description: >-
#   A `*` among verbs, resources or API groups of a role that is bound grants also what is
#   added later. Who may do everything is left to `k8s.rbac.cluster-admin`. What Kubernetes
#   ships does not count, nor subjects in `exempt_subjects`, by default the service accounts
#   of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.wildcard
#   severity: high
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0187']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     kubectl edit clusterrole NAME (or role): list the verbs, resources and API groups in
#     place of `*`. Operators that manage kinds of their own then need each kind listed, new
#     ones too.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.wildcard

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "has a role with `*`", where, binding, role),
	"path": sprintf("/can/wildcard/%s", [where]),
	"found": role,
	"wanted": null,
} if {
	some where, bindings in body.can.wildcard
	some binding, role in bindings
	not body.can.everything[where][binding]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
