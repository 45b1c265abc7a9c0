# METADATA
# title: The network plugin implements network policies
# description: >-
#   scs-0219-v1: the network plugin supports NetworkPolicy of networking.k8s.io/v1
#   wholly. Plugins show themselves by the images of their DaemonSets; of those that
#   are not known here there is no verdict. That policies work is what the testcase
#   `kaas-networking-check` shows.
# scope: package
# custom:
#   id: scs-strict-0219-network-policy
#   severity: high
#   input: collection
#   per: subject
#   kinds: [apps.DaemonSet]
#   visibility: member
#   requires:
#     apps.DaemonSet: [/spec/template/spec/containers]
#   standard: https://docs.scs.community/standards/scs-0219-v1-kaas-networking
#   remediation: >-
#     Use a network plugin that implements NetworkPolicy, such as Calico, Cilium,
#     Antrea, Kube-OVN or OVN-Kubernetes.
package scs_kaas_strict.scs_0219.network_policy

import rego.v1

# Names in images of plugins that enforce policies, and of those that do not.
enforcing := ["calico/node", "cilium/cilium", "antrea/antrea", "kube-router", "kubeovn/kube-ovn", "ovn-kube", "ovn-kubernetes", "weave-npc", "romana"]

silent := ["flannel"]

images := {[id, image] |
	some id, d in input.resources["apps.DaemonSet"]
	some c in d.body.spec.template.spec.containers
	image := c.image
}

# Hidden parts of those plugins that enforce nothing by themselves do not matter.
good := {image | some pair in images; image := pair[1]; some name in enforcing; contains(image, name)}

bad := {pair | some pair in images; some name in silent; contains(pair[1], name)}

verdict := "pass" if count(good) > 0

verdict := "fail" if {
	count(good) == 0
	count(bad) > 0
}

verdict := "abort" if {
	count(good) == 0
	count(bad) == 0
}

reason := sprintf("none of %d DaemonSets is a network plugin that is known here", [count(input.resources["apps.DaemonSet"])]) if {
	verdict == "abort"
}

violations contains {
	"resource": input.resources["apps.DaemonSet"][pair[0]].key,
	"message": "the network plugin does not enforce network policies",
	"path": "/spec/template/spec/containers",
	"found": pair[1],
	"wanted": "a plugin that does, or one beside it",
} if {
	verdict == "fail"
	some pair in bad
}
