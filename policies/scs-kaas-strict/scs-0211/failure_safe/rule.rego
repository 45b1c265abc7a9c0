# METADATA
# title: Volumes of the default class outlive a disk and a host
# description: >-
#   scs-0211-v1: volumes of the default class are neither local storage nor bound to
#   a node, and outlive the loss of a disk or host. Local ones show themselves by
#   their provisioner, or by the affinity of volumes that exist. That others are
#   replicated no API tells: `failure_safe` lists provisioners or classes of which
#   the operator says so.
# scope: package
# custom:
#   id: scs-strict-0211-failure-safe
#   severity: high
#   input: collection
#   per: subject
#   kinds: [storage.k8s.io.StorageClass, core.PersistentVolume]
#   visibility: member
#   requires:
#     storage.k8s.io.StorageClass: [/provisioner]
#     core.PersistentVolume: [/spec]
#   standard: https://docs.scs.community/standards/scs-0211-v1-kaas-default-storage-class
#   remediation: >-
#     Make a class of replicated storage the default, or say of the provisioner that
#     it is: --parameter scs-strict-0211-failure-
#     safe.failure_safe='["cinder.csi.openstack.org"]'
#   parameters:
#     failure_safe: []
package scs_kaas_strict.scs_0211.failure_safe

import rego.v1

import data.scs.lib.storage_class

classes := input.resources["storage.k8s.io.StorageClass"]

defaults := storage_class.defaults(classes)

bound_classes := defaults & storage_class.local(classes)

volumes := input.resources["core.PersistentVolume"]

of_default := {id | some id, v in volumes; v.body.spec.storageClassName in defaults}

bound_volumes := {id | some id in of_default; on_one_node(volumes[id].body.spec)}

on_one_node(spec) if spec.local

on_one_node(spec) if spec.hostPath

on_one_node(spec) if {
	some term in spec.nodeAffinity.required.nodeSelectorTerms
	some expression in term.matchExpressions
	contains(expression.key, "hostname")
}

told := {id |
	some id in defaults
	count({id, classes[id].body.provisioner} & {n | some n in input.parameters.failure_safe}) > 0
}

verdict := "fail" if count(bound_classes) + count(bound_volumes) > 0

verdict := "abort" if {
	count(bound_classes) + count(bound_volumes) == 0
	count(told) < max([count(defaults), 1])
}

verdict := "pass" if {
	count(bound_classes) + count(bound_volumes) == 0
	count(defaults) > 0
	count(told) == count(defaults)
}

reason := "there is no default storage class" if count(defaults) == 0

reason := sprintf(
	"no API tells whether `%s` keeps data when a disk or host is lost; name it with the parameter `failure_safe`",
	[classes[min(defaults - told)].body.provisioner],
) if {
	count(defaults - told) > 0
}

violations contains {
	"resource": classes[id].key,
	"message": sprintf("volumes of the default storage class `%s` stay on one node", [id]),
	"path": "/provisioner",
	"found": classes[id].body.provisioner,
	"wanted": "a provisioner of replicated storage",
} if {
	some id in bound_classes
}

violations contains {
	"resource": volumes[id].key,
	"message": sprintf("volume `%s` of the default storage class can be used on one node only", [id]),
	"path": "/spec",
	"found": "bound to a node",
	"wanted": "not bound to a node",
} if {
	some id in bound_volumes
}
