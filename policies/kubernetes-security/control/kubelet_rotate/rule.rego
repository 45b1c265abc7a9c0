# METADATA
# title: Kubelets renew their certificates
# description: >-
#   `rotateCertificates` is true. The API shows what kubeadm gives to new nodes, nothing
#   else: it fails if that is wrong, and passes only if `kubelets: kubeadm` says that all
#   kubelets run so.
# scope: package
# custom:
#   id: k8s.control.kubelet-rotate
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.ConfigMap]
#   standard: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#   remediation: >-
#     Set `rotateCertificates: true`; a kubelet whose certificate has ended already has to
#     be joined anew (kubeadm: `kubectl edit configmap -n kube-system kubelet-config`, then
#     `kubeadm upgrade node phase kubelet-config` and restart the kubelet on each node).
#   parameters:
#     kubelets: unknown
package k8s.control.kubelet_rotate

import rego.v1

import data.k8s.lib.kubelet

config := kubelet.config(input)

violations contains {
	"resource": kubelet.key(input),
	"message": "client certificates are not renewed",
	"path": "/data/kubelet",
	"found": null,
	"wanted": true,
} if {
	not config.rotateCertificates == true
	is_object(config)
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
