# METADATA
# title: The API server writes an audit log and keeps it
# description: >-
#   A policy (`--audit-policy-file`) and a backend (`--audit-log-path` or a webhook). A log
#   file is kept for `maxage` days, in `maxbackup` files of `maxsize` MB at least; a log on
#   standard output is kept by whoever collects it, which is not seen, and passes. Read from
#   the command lines of static pods in `kube-system`; not judged where none is shown, as
#   with managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.audit-log
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   controls: ['kubescape:C-0067']
#   standard: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
#   remediation: >-
#     Set `--audit-policy-file`, `--audit-log-path`, `--audit-log-maxage=30`,
#     `--audit-log-maxbackup=10` and `--audit-log-maxsize=100`, and mount both paths. The
#     log takes up to maxbackup × maxsize on the disk that etcd may share. Edit the manifest
#     of the static pod (kubeadm: `/etc/kubernetes/manifests/kube-apiserver.yaml`, and
#     `extraArgs` in the ClusterConfiguration so that upgrades keep it); the kubelet
#     restarts the API server.
#   parameters:
#     maxage: 30
#     maxbackup: 10
#     maxsize: 100
package k8s.control.audit_log

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

has_backend(server) if component.given(server, "audit-log-path")

has_backend(server) if component.given(server, "audit-webhook-config-file")

violations contains {
	"resource": server.key,
	"message": "no audit policy",
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": "--audit-policy-file",
} if {
	some server in servers - component.mute(servers)
	not component.given(server, "audit-policy-file")
}

violations contains {
	"resource": server.key,
	"message": "the audit log is written nowhere",
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": "--audit-log-path",
} if {
	some server in servers - component.mute(servers)
	not has_backend(server)
}

violations contains {
	"resource": server.key,
	"message": sprintf("`--%s` is less than %d", [flag, least]),
	"path": sprintf("%s/command", [server.path]),
	"found": sort(said),
	"wanted": least,
} if {
	some server in servers - component.mute(servers)
	paths := component.values(server, "audit-log-path") - {"-"}
	count(paths) > 0
	some limit in ["maxage", "maxbackup", "maxsize"]
	flag := sprintf("audit-log-%s", [limit])
	least := input.parameters[limit]
	said := component.values(server, flag)
	count({value | some value in said; to_number(value) >= least}) == 0
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
