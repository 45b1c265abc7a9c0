# METADATA
# title: No container is privileged
# description: >-
#   Pod Security Standards, baseline, Privileged Containers: a privileged container is root
#   on its node. Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.privileged
#   severity: critical
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace]
#   controls: ['kubescape:C-0057']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Set `securityContext.privileged: false` and add the single capabilities or devices
#     that the container needs. Storage and network drivers usually need it: leave their
#     namespaces out.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.privileged

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("container `%s` is privileged", [name]),
	"path": sprintf("%s/securityContext/privileged", [c.path]),
	"found": true,
	"wanted": false,
} if {
	some name, c in body.containers
	c.securityContext.privileged == true
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
