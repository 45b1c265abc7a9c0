# METADATA
# title: Pods use no volumes of unsafe types
# description: >-
#   Pod Security Standards, restricted, Volume Types: ConfigMaps, Secrets, projected and
#   downward values, claims, CSI, ephemeral, emptyDir, and images since 1.33. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.volume-types
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   remediation: >-
#     Put a PersistentVolume with the same backend behind a PersistentVolumeClaim, or use
#     its CSI driver. The data stay where they are; the pod has to be recreated.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.volume_types

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss
import data.k8s.tables

body := input.resource.body

sources contains {"n": n, "volume": volume.name, "type": type} if {
	some n, volume in body.spec.volumes
	some type, _ in volume
	type != "name"
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("volume `%s` is of type `%s`", [s.volume, type]),
	"path": sprintf("%s/volumes/%d/%s", [body.path, s.n, type]),
	"found": type,
	"wanted": null,
} if {
	some s in sources
	type := s.type
	not tables.pss.volume_types[type]
}

violations contains {
	"message": sprintf("volume `%s` is of type `%s`, which is allowed from 1.%d on", [s.volume, type, since]),
	"path": sprintf("%s/volumes/%d/%s", [body.path, s.n, type]),
	"found": type,
	"wanted": null,
} if {
	some s in sources
	type := s.type
	since := tables.pss.volume_types[type]
	body.minor != null
	body.minor < since
}

doubtful if {
	body.minor == null
	some s in sources
	type := s.type
	tables.pss.volume_types[type] > 0
}

verdict := "pass" if {
	count(violations) == 0
	not doubtful
}

verdict := "fail" if count(violations) > 0

verdict := "abort" if {
	count(violations) == 0
	doubtful
}

reason := pss.unknown_version if doubtful
