# METADATA
# title: No pod switches seccomp off
# description: >-
#   Pod Security Standards, baseline, Seccomp: no profile `Unconfined`. API servers older
#   than 1.19 have annotations in place of the fields. Namespaces in `exempt_namespaces` are
#   left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.seccomp-baseline
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /annotations, /minor]
#   controls: ['kubescape:C-0055']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Set `securityContext.seccompProfile.type: RuntimeDefault` or remove the profile. A
#     program that makes unusual system calls (debuggers, container builders) then needs a
#     `Localhost` profile.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.seccomp_baseline

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

types := {"RuntimeDefault", "Localhost"}

violations contains {
	"message": sprintf("the pod has the seccomp profile `%s`", [type]),
	"path": sprintf("%s/securityContext/seccompProfile/type", [body.path]),
	"found": type,
	"wanted": "RuntimeDefault",
} if {
	type := body.spec.securityContext.seccompProfile.type
	not type in types
	not pod.exempt(input)
}

violations contains {
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

annotated contains {"key": "seccomp.security.alpha.kubernetes.io/pod", "profile": profile} if {
	profile := body.annotations["seccomp.security.alpha.kubernetes.io/pod"]
}

annotated contains {"key": key, "profile": profile} if {
	some name, _ in body.containers
	key := concat("", ["container.seccomp.security.alpha.kubernetes.io/", name])
	profile := body.annotations[key]
}

# Counts for API servers that have no fields.
old contains {
	"message": sprintf("annotation `%s` is `%s`", [a.key, a.profile]),
	"path": sprintf("%s/metadata/annotations/%s", [trim_suffix(body.path, "/spec"), replace(a.key, "/", "~1")]),
	"found": a.profile,
	"wanted": "runtime/default",
} if {
	some a in annotated
	not a.profile == "runtime/default"
	not a.profile == "docker/default"
	profile := a.profile
	not startswith(profile, "localhost/")
	not pod.exempt(input)
}

violations contains v if {
	some v in old
	body.minor != null
	not pss.reached(body, "seccomp_fields")
}

doubtful if {
	body.minor == null
	count(old) > 0
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
