# METADATA
# title: Kubelets take no anonymous requests
# description: >-
#   `authentication.anonymous.enabled` is false, which is also what stands for nothing said.
#   The API shows what kubeadm gives to new nodes, nothing else: it fails if that is wrong,
#   and passes only if `kubelets: kubeadm` says that all kubelets run so.
# scope: package
# custom:
#   id: k8s.control.kubelet-anonymous
#   severity: critical
#   input: collection
#   per: subject
#   kinds: [core.ConfigMap]
#   controls: ['kubescape:C-0069']
#   standard: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#   remediation: >-
#     Set `authentication.anonymous.enabled: false`; whatever reads metrics or logs of the
#     kubelet without a credential needs one then (kubeadm: `kubectl edit configmap -n
#     kube-system kubelet-config`, then `kubeadm upgrade node phase kubelet-config` and
#     restart the kubelet on each node).
#   parameters:
#     kubelets: unknown
package k8s.control.kubelet_anonymous

import rego.v1

import data.k8s.lib.kubelet

config := kubelet.config(input)

violations contains {
	"resource": kubelet.key(input),
	"message": "anonymous requests are on",
	"path": "/data/kubelet",
	"found": true,
	"wanted": false,
} if {
	config.authentication.anonymous.enabled == true
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
