# METADATA
# title: Kubelets ask the API server who may
# description: >-
#   `authorization.mode` is not AlwaysAllow; Webhook stands for nothing said. The API shows
#   what kubeadm gives to new nodes, nothing else: it fails if that is wrong, and passes
#   only if `kubelets: kubeadm` says that all kubelets run so.
# scope: package
# custom:
#   id: k8s.control.kubelet-authz
#   severity: critical
#   input: collection
#   per: subject
#   kinds: [core.ConfigMap]
#   standard: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#   remediation: >-
#     Set `authorization.mode: Webhook`; whatever asks the kubelet needs rights on
#     `nodes/metrics`, `nodes/stats` or `nodes/proxy` then (kubeadm: `kubectl edit configmap
#     -n kube-system kubelet-config`, then `kubeadm upgrade node phase kubelet-config` and
#     restart the kubelet on each node).
#   parameters:
#     kubelets: unknown
package k8s.control.kubelet_authz

import rego.v1

import data.k8s.lib.kubelet

config := kubelet.config(input)

violations contains {
	"resource": kubelet.key(input),
	"message": "every request is allowed",
	"path": "/data/kubelet",
	"found": "AlwaysAllow",
	"wanted": "Webhook",
} if {
	config.authorization.mode == "AlwaysAllow"
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
