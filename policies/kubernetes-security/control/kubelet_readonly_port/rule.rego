# METADATA
# title: Kubelets have no read-only port
# description: >-
#   `readOnlyPort` is 0, which is also what stands for nothing said: the port tells
#   everything about pods to anybody. The API shows what kubeadm gives to new nodes, nothing
#   else: it fails if that is wrong, and passes only if `kubelets: kubeadm` says that all
#   kubelets run so.
# scope: package
# custom:
#   id: k8s.control.kubelet-readonly-port
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.ConfigMap]
#   standard: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#   remediation: >-
#     Set `readOnlyPort: 0`; old monitoring that reads port 10255 has to use 10250 with a
#     credential (kubeadm: `kubectl edit configmap -n kube-system kubelet-config`, then
#     `kubeadm upgrade node phase kubelet-config` and restart the kubelet on each node).
#   parameters:
#     kubelets: unknown
package k8s.control.kubelet_readonly_port

import rego.v1

import data.k8s.lib.kubelet

config := kubelet.config(input)

violations contains {
	"resource": kubelet.key(input),
	"message": "the read-only port is open",
	"path": "/data/kubelet",
	"found": config.readOnlyPort,
	"wanted": 0,
} if {
	config.readOnlyPort != 0
}

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
