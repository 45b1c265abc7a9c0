# METADATA
# title: A cluster has a default storage class that is not local
# description: >-
#   scs-0211-v2: a fresh cluster has a default storage class, whose volumes are not
#   bound to a node. That they are kept when a disk is lost is judged by scs-
#   strict-0211-failure-safe.
# scope: package
# custom:
#   id: scs-preview-0211-default-class
#   severity: high
#   input: collection
#   per: subject
#   kinds: [storage.k8s.io.StorageClass]
#   visibility: member
#   requires:
#     storage.k8s.io.StorageClass: [/provisioner]
#   standard: https://docs.scs.community/standards/scs-0211-v2-kaas-default-storage-class
#   remediation: >-
#     kubectl annotate storageclass <name> storageclass.kubernetes.io/is-default-
#     class=true
package scs_kaas_preview.scs_0211.default_class

import rego.v1

import data.scs.lib.storage_class

classes := input.resources["storage.k8s.io.StorageClass"]

defaults := storage_class.defaults(classes)

bound := defaults & storage_class.local(classes)

verdict := "pass" if {
	count(defaults) > 0
	count(bound) == 0
}

verdict := "fail" if count(defaults) == 0

verdict := "fail" if count(bound) > 0

violations contains {
	"message": sprintf("none of %d storage classes is the default", [count(classes)]),
	"path": "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
	"found": null,
	"wanted": "true",
} if {
	count(defaults) == 0
}

violations contains {
	"resource": classes[id].key,
	"message": sprintf("volumes of the default storage class `%s` stay on one node", [id]),
	"path": "/provisioner",
	"found": classes[id].body.provisioner,
	"wanted": "a provisioner whose volumes can be used on other nodes",
} if {
	some id in bound
}
