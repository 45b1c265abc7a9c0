# METADATA
# title: Kubelets limit the processes of a pod
# description: >-
#   `podPidsLimit` is set and positive. The API shows what kubeadm gives to new nodes,
#   nothing else: it fails if that is wrong, and passes only if `kubelets: kubeadm` says
#   that all kubelets run so.
# scope: package
# custom:
#   id: k8s.control.kubelet-pids
#   severity: low
#   input: collection
#   per: subject
#   kinds: [core.ConfigMap]
#   controls: ['kubescape:C-0284']
#   standard: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#   remediation: >-
#     Set `podPidsLimit: 4096` or what your largest pod needs; a pod that reaches it cannot
#     start processes (kubeadm: `kubectl edit configmap -n kube-system kubelet-config`, then
#     `kubeadm upgrade node phase kubelet-config` and restart the kubelet on each node).
#   parameters:
#     kubelets: unknown
package k8s.control.kubelet_pids

import rego.v1

import data.k8s.lib.kubelet

config := kubelet.config(input)

violations contains {
	"resource": kubelet.key(input),
	"message": "a pod may start any number of processes",
	"path": "/data/kubelet",
	"found": object.get(config, "podPidsLimit", null),
	"wanted": 4096,
} if {
	not limited
	is_object(config)
}

limited if config.podPidsLimit > 0

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_object(config)
	count(violations) == 0
	input.parameters.kubelets == "kubeadm"
}

verdict := "abort" if {
	is_object(config)
	count(violations) == 0
	input.parameters.kubelets != "kubeadm"
}

verdict := "abort" if not config

reason := kubelet.unseen if not config

reason := kubelet.differs if config
