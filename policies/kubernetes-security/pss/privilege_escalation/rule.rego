# METADATA
# title: Containers forbid privilege escalation
# description: >-
#   Pod Security Standards, restricted, Privilege Escalation: `allowPrivilegeEscalation` is
#   false. Not asked of pods for Windows (`os.name`) since 1.25. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.privilege-escalation
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   controls: ['kubescape:C-0016']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   remediation: >-
#     Set `securityContext.allowPrivilegeEscalation: false` on every container. Programs
#     that use setuid (sudo, ping of old images) fail then.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.privilege_escalation

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

found contains {
	"message": sprintf("container `%s` does not forbid privilege escalation", [name]),
	"path": sprintf("%s/securityContext/allowPrivilegeEscalation", [c.path]),
	"found": null,
	"wanted": false,
} if {
	some name, c in body.containers
	not c.securityContext.allowPrivilegeEscalation == false
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	pss.reached(body, "privilege_escalation")
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
