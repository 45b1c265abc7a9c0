# METADATA
# title: Profiling is off in the control plane
# description: >-
#   `--profiling=false` for the API server, controller manager and scheduler. A scheduler
#   with `--config` reads it from that file, which is not seen. Read from the command lines
#   of static pods in `kube-system`; not judged where none is shown, as with managed control
#   planes and k3s.
# scope: package
# custom:
#   id: k8s.control.profiling
#   severity: low
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   standard: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
#   remediation: >-
#     Set `--profiling=false` in the three manifests (`enableProfiling: false` in a
#     KubeSchedulerConfiguration). `/debug/pprof` is gone then. Edit the manifest of the
#     static pod (kubeadm: `/etc/kubernetes/manifests/kube-apiserver.yaml`, and `extraArgs`
#     in the ClusterConfiguration so that upgrades keep it); the kubelet restarts the API
#     server.
package k8s.control.profiling

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

managers := component.found(input, "kube-controller-manager")

schedulers := component.found(input, "kube-scheduler")

profiled := {server |
	some server in (servers | managers) | schedulers
	said := component.values(server, "profiling")
	not "false" in said
}

configured := {server | some server in schedulers; component.given(server, "config")}

violations contains {
	"resource": server.key,
	"message": "profiling is on",
	"path": sprintf("%s/command", [server.path]),
	"found": null,
	"wanted": "--profiling=false",
} if {
	some server in (profiled - configured) - component.mute(profiled)
}

doubts contains "the file of the scheduler's --config decides, and is not seen" if count(configured) > 0

doubts contains component.hidden("kube-controller-manager") if count(managers) == 0

doubts contains component.hidden("kube-scheduler") if count(schedulers) == 0

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
