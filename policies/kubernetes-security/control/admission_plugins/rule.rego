# METADATA
# title: The API server has the admission plugins that protect it
# description: >-
#   NodeRestriction is enabled; NamespaceLifecycle, ServiceAccount and PodSecurity, which
#   are on by themselves, are not disabled; AlwaysAdmit is not enabled. Read from the
#   command lines of static pods in `kube-system`; not judged where none is shown, as with
#   managed control planes and k3s.
# scope: package
# custom:
#   id: k8s.control.admission-plugins
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.component]
#   requires:
#     kubernetes.component: [/containers]
#   standard: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
#   remediation: >-
#     Set `--enable-admission-plugins=NodeRestriction` (with what else is there) and remove
#     the others from the flags. Kubelets that use a shared credential, and pods that were
#     created in namespaces being deleted, are refused then. Edit the manifest of the static
#     pod (kubeadm: `/etc/kubernetes/manifests/kube-apiserver.yaml`, and `extraArgs` in the
#     ClusterConfiguration so that upgrades keep it); the kubelet restarts the API server.
package k8s.control.admission_plugins

import rego.v1

import data.k8s.lib.component

servers := component.found(input, "kube-apiserver")

doubts contains component.hidden("kube-apiserver") if count(servers) == 0

doubts contains sprintf("the command line in `%s` has no flags", [server.key]) if {
	some server in component.mute(servers)
}

violations contains {
	"resource": server.key,
	"message": "admission plugin `NodeRestriction` is not enabled",
	"path": sprintf("%s/command", [server.path]),
	"found": sort(enabled),
	"wanted": "NodeRestriction",
} if {
	some server in servers - component.mute(servers)
	enabled := component.parts(server, "enable-admission-plugins")
	not "NodeRestriction" in enabled
}

violations contains {
	"resource": server.key,
	"message": "admission plugin `AlwaysAdmit` is enabled",
	"path": sprintf("%s/command", [server.path]),
	"found": "AlwaysAdmit",
	"wanted": null,
} if {
	some server in servers - component.mute(servers)
	"AlwaysAdmit" in component.parts(server, "enable-admission-plugins")
}

violations contains {
	"resource": server.key,
	"message": sprintf("admission plugin `%s` is disabled", [plugin]),
	"path": sprintf("%s/command", [server.path]),
	"found": plugin,
	"wanted": null,
} if {
	some server in servers - component.mute(servers)
	some plugin in component.parts(server, "disable-admission-plugins")
	plugin in {"NodeRestriction", "NamespaceLifecycle", "ServiceAccount", "PodSecurity"}
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
