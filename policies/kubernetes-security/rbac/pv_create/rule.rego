# METADATA
# title: Nobody creates persistent volumes but provisioners
# description: >-
#   Whoever creates a PersistentVolume may make it a path of a node. What Kubernetes ships
#   does not count, nor subjects in `exempt_subjects`, by default the service accounts of
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.rbac.pv-create
#   severity: medium
#   input: resource
#   kinds: [kubernetes.access]
#   requires:
#     kubernetes.access: [/can, /bindings]
#   controls: ['kubescape:C-0278']
#   standard: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   remediation: >-
#     Remove create on `persistentvolumes` from the role and let a StorageClass provision.
#     CSI provisioners need it: name them in `exempt_subjects`.
#   parameters:
#     exempt_subjects: [ServiceAccount/kube-system/*]
package k8s.rbac.pv_create

import rego.v1

import data.k8s.lib.access

body := input.resource.body

violations contains {
	"message": access.message(input, "may create persistent volumes", "*", binding, role),
	"path": "/can/create-volumes/*",
	"found": binding,
	"wanted": null,
} if {
	some binding, role in body.can["create-volumes"]["*"]
	access.counts(input, binding)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
