# METADATA
# title: Kubelets ask who is there, and what for
# description: >-
#   scs-0217-v1: the kubelet has no read-only port, takes no anonymous requests and
#   asks the API server what is allowed. Judges the configuration that kubeadm keeps
#   in the ConfigMap `kubelet-config`; other installers keep it where no API shows
#   it, and a node may have its own.
# scope: package
# custom:
#   id: scs-preview-0217-kubelet
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.ConfigMap]
#   visibility: member
#   requires:
#     core.ConfigMap: [/metadata/name]
#   standard: https://docs.scs.community/standards/scs-0217-v1-baseline-cluster-security
#   remediation: >-
#     kubectl -n kube-system edit configmap kubelet-config, then kubeadm upgrade
#     node phase kubelet-config on every node.
package scs_kaas_preview.scs_0217.kubelet

import rego.v1

configs := [c |
	some c in input.resources["core.ConfigMap"]
	c.body.metadata.namespace == "kube-system"
	c.body.metadata.name == "kubelet-config"
]

config := yaml.unmarshal(configs[0].body.data.kubelet) if count(configs) == 1

# What a configuration leaves out is safe: these are the defaults of a kubelet that has
# one.
rules := [
	{"at": ["readOnlyPort"], "default": 0, "wanted": {0}},
	{"at": ["authentication", "anonymous", "enabled"], "default": false, "wanted": {false}},
	{"at": ["authorization", "mode"], "default": "Webhook", "wanted": {"Webhook"}},
]

faults := {[concat(".", r.at), value, r.wanted] |
	some r in rules
	value := object.get(config, r.at, r["default"])
	count({value} & r.wanted) == 0
}

readable if is_object(config)

verdict := "abort" if count(configs) != 1

verdict := "abort" if {
	count(configs) == 1
	count([1 | readable]) == 0
}

verdict := "pass" if {
	readable
	count(faults) == 0
}

verdict := "fail" if {
	readable
	count(faults) > 0
}

reason := "there is no ConfigMap `kubelet-config` in kube-system: the configuration of kubelets is not shown" if {
	count(configs) != 1
} else := "the ConfigMap `kubelet-config` cannot be read" if {
	count([1 | readable]) == 0
}

violations contains {
	"resource": configs[0].key,
	"message": sprintf("kubelets have `%s` set to `%v`", [f[0], f[1]]),
	"path": "/data/kubelet",
	"found": f[1],
	"wanted": min(f[2]),
} if {
	some f in faults
}
