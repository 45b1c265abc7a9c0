# METADATA
# title: The API server authorizes by Node and RBAC
# description: >-
#   `--authorization-mode` has Node and RBAC and not AlwaysAllow, which is what stands for
#   no flag. With `--authorization-config` the file decides, which is not seen. Read from
#   the command lines of static pods in `kube-system`; not judged where none is shown, as
#   with managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.authz-mode
#   severity: critical
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   controls: ['kubescape:C-0088']
#   standard: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
#   remediation: >-
#     Set `--authorization-mode=Node,RBAC`, after roles are bound for everybody who needs
#     the API: nothing else is allowed from then on. Edit the manifest of the static pod
#     (kubeadm: `/etc/kubernetes/manifests/kube-apiserver.yaml`, and `extraArgs` in the
#     ClusterConfiguration so that upgrades keep it); the kubelet restarts the API server.
package k8s.control.authz_mode

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

modes(server) := component.parts(server, "authorization-mode")

violations contains {
	"resource": server.key,
	"message": "every request is allowed",
	"path": sprintf("%s/command", [server.path]),
	"found": sort(said),
	"wanted": ["Node", "RBAC"],
} if {
	some server in servers - component.mute(servers)
	said := modes(server)
	open(said)
	not component.given(server, "authorization-config")
}

open(said) if count(said) == 0

open(said) if "AlwaysAllow" in said

violations contains {
	"resource": server.key,
	"message": sprintf("authorization mode `%s` is missing", [wanted]),
	"path": sprintf("%s/command", [server.path]),
	"found": sort(said),
	"wanted": ["Node", "RBAC"],
} if {
	some server in servers - component.mute(servers)
	said := modes(server)
	count(said) > 0
	some wanted in ["Node", "RBAC"]
	not wanted in said
}

doubts contains "the file of --authorization-config decides, and is not seen" if {
	some server in servers
	component.given(server, "authorization-config")
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
