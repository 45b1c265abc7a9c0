# METADATA
# title: Containers have a seccomp profile
# description: >-
#   Pod Security Standards, restricted since 1.19, Seccomp: `RuntimeDefault` or `Localhost`
#   for the pod or for each container. Not asked of pods for Windows (`os.name`) since 1.25.
#   Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.seccomp-restricted
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   remediation: >-
#     Set `securityContext.seccompProfile.type: RuntimeDefault` for the pod. Programs that
#     make unusual system calls get "operation not permitted".
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.seccomp_restricted

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

types := {"RuntimeDefault", "Localhost"}

found contains {
	"message": sprintf("the pod has the seccomp profile `%s`", [type]),
	"path": sprintf("%s/securityContext/seccompProfile/type", [body.path]),
	"found": type,
	"wanted": "RuntimeDefault",
} if {
	type := body.spec.securityContext.seccompProfile.type
	not type in types
	not pod.exempt(input)
}

found contains {
	"message": sprintf("container `%s` has the seccomp profile `%s`", [name, type]),
	"path": sprintf("%s/securityContext/seccompProfile/type", [c.path]),
	"found": type,
	"wanted": "RuntimeDefault",
} if {
	some name, c in body.containers
	type := c.securityContext.seccompProfile.type
	not type in types
	not pod.exempt(input)
}

pod_profile if body.spec.securityContext.seccompProfile.type in types

found contains {
	"message": sprintf("neither the pod nor container `%s` has a seccomp profile", [name]),
	"path": sprintf("%s/securityContext/seccompProfile", [c.path]),
	"found": null,
	"wanted": {"type": "RuntimeDefault"},
} if {
	not pod_profile
	some name, c in body.containers
	not c.securityContext.seccompProfile
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	pss.reached(body, "seccomp_restricted")
	not pss.windows(body)
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
