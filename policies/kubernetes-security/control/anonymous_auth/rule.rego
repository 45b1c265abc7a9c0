# METADATA
# title: The API server takes no anonymous requests
# description: >-
#   `--anonymous-auth` is false. An AuthenticationConfiguration may limit anonymous requests
#   to some paths; the file is not seen, so with `--authentication-config` this is not
#   judged. Read from the command lines of static pods in `kube-system`; not judged where
#   none is shown, as with managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.anonymous-auth
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   standard: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
#   remediation: >-
#     Set `--anonymous-auth=false`, or since 1.32 an AuthenticationConfiguration that allows
#     anonymous requests for `/livez`, `/readyz` and `/healthz` only: without those the
#     probes of the API server, load balancers in front of it and `kubeadm join` by
#     discovery fail. Edit the manifest of the static pod (kubeadm:
#     `/etc/kubernetes/manifests/kube-apiserver.yaml`, and `extraArgs` in the
#     ClusterConfiguration so that upgrades keep it); the kubelet restarts the API server.
package k8s.control.anonymous_auth

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

violations contains {
	"resource": server.key,
	"message": "anonymous requests are on",
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": "--anonymous-auth=false",
} if {
	some server in servers - component.mute(servers)
	said := component.values(server, "anonymous-auth")
	not "false" in said
	not component.given(server, "authentication-config")
}

doubts contains "the file of --authentication-config decides about anonymous requests, and is not seen" if {
	some server in servers
	said := component.values(server, "anonymous-auth")
	not "false" in said
	component.given(server, "authentication-config")
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
