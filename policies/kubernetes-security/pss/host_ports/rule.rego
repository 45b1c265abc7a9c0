# METADATA
# title: No container takes a port of its node
# description: >-
#   Pod Security Standards, baseline, Host Ports. A pod with `hostNetwork` takes all its
#   ports from the node, and the API says so in `hostPort`. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.host-ports
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace]
#   controls: ['kubescape:C-0044']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove `hostPort` and reach the pod through a Service. Clients that use the address of
#     the node have to change; ingress controllers and node exporters may need it.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.host_ports

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("container `%s` takes port %d of the node", [name, port.hostPort]),
	"path": sprintf("%s/ports/%d/hostPort", [c.path, n]),
	"found": port.hostPort,
	"wanted": null,
} if {
	some name, c in body.containers
	some n, port in c.ports
	port.hostPort != 0
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
