# METADATA
# title: There is one default storage class, and it provisions volumes
# description: >-
#   scs-0211-v1: exactly one StorageClass is the default by the annotation
#   `storageclass.kubernetes.io/is-default-class`, and its provisioner makes
#   volumes. Whether a claim is really bound takes a probe.
# scope: package
# custom:
#   id: scs-strict-0211-default-class
#   severity: high
#   input: collection
#   per: subject
#   kinds: [storage.k8s.io.StorageClass]
#   visibility: member
#   requires:
#     storage.k8s.io.StorageClass: [/provisioner]
#   standard: https://docs.scs.community/standards/scs-0211-v1-kaas-default-storage-class
#   remediation: >-
#     kubectl annotate --overwrite storageclass <name>
#     storageclass.kubernetes.io/is-default-class=true, and =false for others.
package scs_kaas_strict.scs_0211.default_class

import rego.v1

import data.scs.lib.storage_class

classes := input.resources["storage.k8s.io.StorageClass"]

defaults := storage_class.defaults(classes)

idle := {id | some id in defaults; classes[id].body.provisioner == "kubernetes.io/no-provisioner"}

verdict := "pass" if {
	count(defaults) == 1
	count(idle) == 0
}

verdict := "fail" if count(defaults) != 1

verdict := "fail" if count(idle) > 0

violations contains {
	"message": sprintf("%d storage classes are the default: %s", [count(defaults), concat(", ", sort(defaults))]),
	"path": "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
	"found": sort(defaults),
	"wanted": "one",
} if {
	count(defaults) != 1
}

violations contains {
	"resource": classes[id].key,
	"message": sprintf("the default storage class `%s` provisions nothing", [id]),
	"path": "/provisioner",
	"found": "kubernetes.io/no-provisioner",
	"wanted": "a provisioner that makes volumes",
} if {
	some id in idle
}
