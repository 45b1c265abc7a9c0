# METADATA
# title: No pod shares a namespace of its node
# description: >-
#   Pod Security Standards, baseline, Host Namespaces: `hostNetwork`, `hostPID` and
#   `hostIPC` let a pod see the network, processes and memory of its node. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.host-namespaces
#   severity: high
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace]
#   controls: ['kubescape:C-0038', 'kubescape:C-0041']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove `hostNetwork`, `hostPID` and `hostIPC` from the pod spec. Node agents such as a
#     CNI or a log shipper stop working without: leave their namespace out.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.host_namespaces

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("the pod sets `%s`", [field]),
	"path": sprintf("%s/%s", [body.path, field]),
	"found": true,
	"wanted": false,
} if {
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	body.spec[field] == true
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
