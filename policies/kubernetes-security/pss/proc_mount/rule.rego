# METADATA
# title: No container unmasks /proc
# description: >-
#   Pod Security Standards, baseline, /proc Mount Type. Since 1.35, baseline lets pods in a
#   user namespace (`hostUsers: false`) choose; restricted does not, and `level: restricted`
#   judges so. Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.proc-mount
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove `securityContext.procMount`. Tools that build or run containers inside the
#     container need it: give such pods `hostUsers: false` on 1.35 or newer.
#   parameters:
#     exempt_namespaces: [kube-system]
#     level: baseline
package k8s.pss.proc_mount

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

found contains {
	"message": sprintf("container `%s` mounts /proc as `%s`", [name, type]),
	"path": sprintf("%s/securityContext/procMount", [c.path]),
	"found": type,
	"wanted": "Default",
} if {
	some name, c in body.containers
	type := c.securityContext.procMount
	type != "Default"
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	not lenient
}

# Whether the pod has the user namespace that baseline minds since 1.35.
relaxed if {
	body.spec.hostUsers == false
	input.parameters.level == "baseline"
}

lenient if {
	relaxed
	pss.reached(body, "user_namespace_exempt")
}

lenient if doubtful

doubtful if {
	relaxed
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
