# METADATA
# title: The control plane speaks TLS 1.2 or newer with strong ciphers
# description: >-
#   Of the API server, controller manager and scheduler: `--tls-min-version` is not below
#   1.2, and `--tls-cipher-suites` names no suite that Go calls insecure (RSA key exchange,
#   RC4, 3DES, CBC with SHA-256). Without the flags Go's defaults hold, which are that good.
#   Read from the command lines of static pods in `kube-system`; not judged where none is
#   shown, as with managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.tls-ciphers
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   controls: ['kubescape:C-0277']
#   standard: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
#   remediation: >-
#     Remove `--tls-cipher-suites`, or list TLS_ECDHE suites with GCM or CHACHA20 only, and
#     set `--tls-min-version=VersionTLS12`. Clients that know nothing newer are refused.
#     Edit the manifest of the static pod (kubeadm:
#     `/etc/kubernetes/manifests/kube-apiserver.yaml`, and `extraArgs` in the
#     ClusterConfiguration so that upgrades keep it); the kubelet restarts the API server.
package k8s.control.tls_ciphers

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

others := component.found(input, "kube-controller-manager") | component.found(input, "kube-scheduler")

violations contains {
	"resource": server.key,
	"message": sprintf("the least version is `%s`", [version]),
	"path": sprintf("%s/command", [server.path]),
	"found": version,
	"wanted": "VersionTLS12",
} if {
	some server in servers | others
	some version in component.values(server, "tls-min-version")
	version in {"VersionTLS10", "VersionTLS11"}
}

violations contains {
	"resource": server.key,
	"message": sprintf("cipher suite `%s` is weak", [suite]),
	"path": sprintf("%s/command", [server.path]),
	"found": suite,
	"wanted": null,
} if {
	some server in servers | others
	some suite in component.parts(server, "tls-cipher-suites")
	regex.match(`^TLS_RSA_|_RC4_|_3DES_|_CBC_SHA256$`, suite)
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(doubts) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(doubts) > 0
}

reason := min(doubts)
