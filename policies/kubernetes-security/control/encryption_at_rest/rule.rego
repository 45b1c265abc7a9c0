# METADATA
# title: The API server encrypts what it stores
# description: >-
#   `--encryption-provider-config` is set. Whether the file encrypts secrets first, or names
#   `identity` before all others, is not seen: `config_checked` takes the operator's word
#   for it. Read from the command lines of static pods in `kube-system`; not judged where
#   none is shown, as with managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.encryption-at-rest
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   controls: ['kubescape:C-0066']
#   standard: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
#   remediation: >-
#     Write an EncryptionConfiguration with `secretbox` or `kms` before `identity` for
#     secrets, set `--encryption-provider-config`, then rewrite what is stored: `kubectl get
#     secrets -A -o json | kubectl replace -f -`. Without the key, secrets and backups of
#     etcd are lost: keep it apart from them. Edit the manifest of the static pod (kubeadm:
#     `/etc/kubernetes/manifests/kube-apiserver.yaml`, and `extraArgs` in the
#     ClusterConfiguration so that upgrades keep it); the kubelet restarts the API server.
#   parameters:
#     config_checked: false
package k8s.control.encryption_at_rest

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

violations contains {
	"resource": server.key,
	"message": "secrets are stored as they are",
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": "--encryption-provider-config",
} if {
	some server in servers - component.mute(servers)
	not component.given(server, "encryption-provider-config")
}

doubts contains "the file of --encryption-provider-config is not seen: it may name `identity` first" if {
	some server in servers
	component.given(server, "encryption-provider-config")
	input.parameters.config_checked == false
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
