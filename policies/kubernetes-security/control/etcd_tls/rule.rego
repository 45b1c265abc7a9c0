# METADATA
# title: etcd asks clients and peers for certificates
# description: >-
#   Certificates for clients and peers, asked from both (`--client-cert-auth`,
#   `--peer-client-cert-auth`), and none that etcd makes up (`--auto-tls`,
#   `--peer-auto-tls`). With `--config-file` the file decides, which is not seen; etcd
#   outside of the cluster is not seen either. Read from the command lines of static pods in
#   `kube-system`; not judged where none is shown, as with managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.etcd-tls
#   severity: critical
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   standard: https://etcd.io/docs/latest/op-guide/security/
#   remediation: >-
#     Set the flags with certificates of etcd's own CA (kubeadm: `kubeadm init phase certs
#     etcd-server` and `etcd-peer`), first on the API server (`--etcd-certfile`,
#     `--etcd-keyfile`, `--etcd-cafile`), then on one etcd member after the other. A member
#     whose peers do not trust its certificate leaves the quorum.
package k8s.control.etcd_tls

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "etcd")

doubts contains component.hidden("etcd") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

violations contains {
	"resource": server.key,
	"message": sprintf("`--%s` is not given", [flag]),
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": flag,
} if {
	some server in servers - component.mute(servers)
	not component.given(server, "config-file")
	some flag in ["cert-file", "key-file", "peer-cert-file", "peer-key-file"]
	not component.given(server, flag)
}

violations contains {
	"resource": server.key,
	"message": sprintf("`--%s` is not true", [flag]),
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": "true",
} if {
	some server in servers - component.mute(servers)
	not component.given(server, "config-file")
	some flag in ["client-cert-auth", "peer-client-cert-auth"]
	said := component.values(server, flag)
	not "true" in said
}

violations contains {
	"resource": server.key,
	"message": sprintf("`--%s` is true", [flag]),
	"path": sprintf("%s/command", [server.path]),
	"found": "true",
	"wanted": "false",
} if {
	some server in servers - component.mute(servers)
	some flag in ["auto-tls", "peer-auto-tls"]
	"true" in component.values(server, flag)
}

doubts contains "the file of --config-file decides, and is not seen" if {
	some server in servers
	component.given(server, "config-file")
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
