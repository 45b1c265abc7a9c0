# METADATA
# title: No AppArmor profile is switched off
# description: >-
#   Pod Security Standards, baseline, AppArmor: fields (API servers from 1.30 on have them)
#   and the older annotations. Namespaces in `exempt_namespaces` are left out, by default
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.apparmor
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /annotations]
#   controls: ['kubescape:C-0055']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove the profile, or set `securityContext.appArmorProfile.type: RuntimeDefault`, and
#     drop the annotation. A program that needs more than the default profile allows gets a
#     `Localhost` profile of its own.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.apparmor

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

types := {"RuntimeDefault", "Localhost"}

prefix := "container.apparmor.security.beta.kubernetes.io/"

violations contains {
	"message": sprintf("the pod has the AppArmor profile `%s`", [type]),
	"path": sprintf("%s/securityContext/appArmorProfile/type", [body.path]),
	"found": type,
	"wanted": "RuntimeDefault",
} if {
	type := body.spec.securityContext.appArmorProfile.type
	not type in types
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("container `%s` has the AppArmor profile `%s`", [name, type]),
	"path": sprintf("%s/securityContext/appArmorProfile/type", [c.path]),
	"found": type,
	"wanted": "RuntimeDefault",
} if {
	some name, c in body.containers
	type := c.securityContext.appArmorProfile.type
	not type in types
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("an annotation gives container `%s` the AppArmor profile `%s`", [trim_prefix(key, prefix), profile]),
	"path": sprintf("%s/metadata/annotations/%s", [trim_suffix(body.path, "/spec"), replace(key, "/", "~1")]),
	"found": profile,
	"wanted": "runtime/default",
} if {
	some key, profile in body.annotations
	startswith(key, prefix)
	not profile in {"", "runtime/default"}
	not startswith(profile, "localhost/")
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
