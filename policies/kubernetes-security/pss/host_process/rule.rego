# METADATA
# title: No Windows container runs as a process of its node
# description: >-
#   Pod Security Standards, baseline, HostProcess: such containers have the rights of the
#   node. Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.host-process
#   severity: high
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove `windowsOptions.hostProcess` from the pod and its containers. Agents that
#     manage the node itself (CNI, storage, monitoring of Windows nodes) need it: run those
#     in a namespace of their own and leave that out.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.host_process

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": "the pod runs as HostProcess, with the rights of its Windows node",
	"path": sprintf("%s/securityContext/windowsOptions/hostProcess", [body.path]),
	"found": true,
	"wanted": false,
} if {
	body.spec.securityContext.windowsOptions.hostProcess == true
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("container `%s` runs as HostProcess, with the rights of its Windows node", [name]),
	"path": sprintf("%s/securityContext/windowsOptions/hostProcess", [c.path]),
	"found": true,
	"wanted": false,
} if {
	some name, c in body.containers
	c.securityContext.windowsOptions.hostProcess == true
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
