# METADATA
# title: No pod asks for user 0
# description: >-
#   Pod Security Standards, restricted since 1.23, Running as Non-root user: `runAsUser` is
#   not 0. Not asked of pods in a user namespace (`hostUsers: false`) since 1.35. Namespaces
#   in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.run-as-user
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   controls: ['kubescape:C-0013']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   remediation: >-
#     Set `securityContext.runAsUser` to a user other than 0 that may read and write what
#     the program needs; `fsGroup` makes volumes writable for it.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.run_as_user

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

found contains {
	"message": "the pod runs as user 0",
	"path": sprintf("%s/securityContext/runAsUser", [body.path]),
	"found": 0,
	"wanted": null,
} if {
	body.spec.securityContext.runAsUser == 0
	not pod.exempt(input)
}

found contains {
	"message": sprintf("container `%s` runs as user 0", [name]),
	"path": sprintf("%s/securityContext/runAsUser", [c.path]),
	"found": 0,
	"wanted": null,
} if {
	some name, c in body.containers
	c.securityContext.runAsUser == 0
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	pss.reached(body, "run_as_user")
	not pss.user_namespace(body)
}

doubtful if {
	body.minor == null
	count(found) > 0
}

verdict := "pass" if {
	count(violations) == 0
	not doubtful
}

verdict := "fail" if count(violations) > 0

verdict := "abort" if {
	count(violations) == 0
	doubtful
}

reason := pss.unknown_version if doubtful
