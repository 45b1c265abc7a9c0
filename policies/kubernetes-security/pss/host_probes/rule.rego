# METADATA
# title: No probe or hook is sent to another host
# description: >-
#   Pod Security Standards, baseline since 1.34, Host Probes / Lifecycle Hooks: a `host`
#   makes the kubelet send requests from the node to where the pod could not. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.host-probes
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove `host` from the probe or hook; without it the kubelet asks the pod itself. A
#     pod with `hostNetwork` that listens on 127.0.0.1 only has to listen on the address of
#     the pod.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.host_probes

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

handlers := ["httpGet", "tcpSocket"]

found contains {
	"message": sprintf("container `%s`: `%s` goes to host `%s`", [name, probe, host]),
	"path": sprintf("%s/%s/%s/host", [c.path, probe, handler]),
	"found": host,
	"wanted": null,
} if {
	some name, c in body.containers
	some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
	some handler in handlers
	host := c[probe][handler].host
	host != ""
	not pod.exempt(input)
}

found contains {
	"message": sprintf("container `%s`: hook `%s` goes to host `%s`", [name, hook, host]),
	"path": sprintf("%s/lifecycle/%s/%s/host", [c.path, hook, handler]),
	"found": host,
	"wanted": null,
} if {
	some name, c in body.containers
	some hook in ["postStart", "preStop"]
	some handler in handlers
	host := c.lifecycle[hook][handler].host
	host != ""
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	pss.reached(body, "host_probes")
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
