# METADATA
# title: Nobody enters the containers of all namespaces
# description: >-
#   pods/exec, pods/attach, pods/portforward and ephemeral containers in the whole cluster.
#   Rights in single namespaces are what `edit` and `admin` are for, and do not count. What
#   Kubernetes ships does not count, nor subjects in `exempt_subjects`, by default the
#   service accounts of `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.exec-portforward
#   severity: medium
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0002', 'kubescape:C-0063']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Bind the role in the namespaces where it is needed instead of the whole cluster.
#     Debugging elsewhere then takes somebody who may.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.exec_portforward

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may enter containers", "*", binding, role),
	"path": "/can/exec/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["exec"]["*"]
	access.counts(input, binding)
}

violations contains {
	"message": access.message(input, "may forward ports of pods", "*", binding, role),
	"path": "/can/port-forward/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["port-forward"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
