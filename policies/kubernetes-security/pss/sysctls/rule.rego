# METADATA
# title: No pod sets kernel parameters that are not safe
# description: >-
#   Pod Security Standards, baseline, Sysctls: only parameters that are separate for each
#   pod. The list grew in 1.27, 1.29, 1.32 and 1.37. Namespaces in `exempt_namespaces` are
#   left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.sysctls
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove the entry from `securityContext.sysctls`; a parameter that the node needs is
#     set on the node. The pod then runs with what the node has.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.sysctls

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss
import data.k8s.tables

body := input.resource.body

set_here contains {"n": n, "name": s.name} if {
	some n, s in body.spec.securityContext.sysctls
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("the pod sets the kernel parameter `%s`", [name]),
	"path": sprintf("%s/securityContext/sysctls/%d", [body.path, s.n]),
	"found": name,
	"wanted": null,
} if {
	some s in set_here
	name := s.name
	not tables.pss.sysctls[name]
}

violations contains {
	"message": sprintf("the pod sets the kernel parameter `%s`, which is safe from 1.%d on", [name, since]),
	"path": sprintf("%s/securityContext/sysctls/%d", [body.path, s.n]),
	"found": name,
	"wanted": null,
} if {
	some s in set_here
	name := s.name
	since := tables.pss.sysctls[name]
	body.minor != null
	body.minor < since
}

doubtful if {
	body.minor == null
	some s in set_here
	name := s.name
	tables.pss.sysctls[name] > 0
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
