# The configuration of kubelets, as far as the API holds it.
package k8s.lib.kubelet

import rego.v1

map_id := "kube-system/kubelet-config"

# What kubeadm gives to nodes that join. Undefined if there is no such ConfigMap, or if
# it cannot be read.
config(asked) := read if {
	read := yaml.unmarshal(asked.resources["core.ConfigMap"][map_id].body.data.kubelet)
	is_object(read) == true
}

key(asked) := asked.resources["core.ConfigMap"][map_id].key

unseen := "the API does not hold the configuration of kubelets: only kubeadm keeps what it gives to new nodes, in ConfigMap kube-system/kubelet-config"

differs := "a kubelet may run with another configuration than kubeadm gives to new nodes (flags, edits on the node); parameter `kubelets: kubeadm` takes the operator's word that none does"
