# METADATA
# title: Containers must not run as root
# description: >-
#   Pod Security Standards, restricted, Running as Non-root: `runAsNonRoot` is true for the
#   pod or for each container. Not asked of pods in a user namespace (`hostUsers: false`)
#   since 1.35. Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.run-as-non-root
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   controls: ['kubescape:C-0013']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   remediation: >-
#     Set `securityContext.runAsNonRoot: true` for the pod, and `runAsUser` if the image
#     names no user or one by name. Images that start as root fail to start then: use their
#     unprivileged variant.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.run_as_non_root

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

found contains {
	"message": "the pod may run as root",
	"path": sprintf("%s/securityContext/runAsNonRoot", [body.path]),
	"found": false,
	"wanted": true,
} if {
	body.spec.securityContext.runAsNonRoot == false
	not pod.exempt(input)
}

found contains {
	"message": sprintf("container `%s` may run as root", [name]),
	"path": sprintf("%s/securityContext/runAsNonRoot", [c.path]),
	"found": false,
	"wanted": true,
} if {
	some name, c in body.containers
	c.securityContext.runAsNonRoot == false
	not pod.exempt(input)
}

found contains {
	"message": sprintf("neither the pod nor container `%s` says that it must not run as root", [name]),
	"path": sprintf("%s/securityContext/runAsNonRoot", [c.path]),
	"found": null,
	"wanted": true,
} if {
	not body.spec.securityContext.runAsNonRoot == true
	some name, c in body.containers
	not c.securityContext.runAsNonRoot == true
	not c.securityContext.runAsNonRoot == false
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	not pss.user_namespace(body)
	not doubtful
}

doubtful if {
	body.minor == null
	body.spec.hostUsers == false
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
