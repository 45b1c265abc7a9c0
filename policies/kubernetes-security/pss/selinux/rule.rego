# METADATA
# title: No pod chooses an SELinux user, role or foreign type
# description: >-
#   Pod Security Standards, baseline, SELinux. `container_engine_t` is allowed since 1.31.
#   Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.selinux
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove `type`, `user` and `role` from `seLinuxOptions`; a `level` may stay. A pod that
#     reads files of the node with another label then needs that label on a volume of its
#     own.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.selinux

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss
import data.k8s.tables

body := input.resource.body

options contains {"of": o, "who": "the pod", "path": sprintf("%s/securityContext/seLinuxOptions", [body.path])} if {
	o := body.spec.securityContext.seLinuxOptions
	not pod.exempt(input)
}

options contains {
	"of": o,
	"who": sprintf("container `%s`", [name]),
	"path": sprintf("%s/securityContext/seLinuxOptions", [c.path]),
} if {
	some name, c in body.containers
	o := c.securityContext.seLinuxOptions
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("%s has the SELinux type `%s`", [o.who, type]),
	"path": sprintf("%s/type", [o.path]),
	"found": type,
	"wanted": null,
} if {
	some o in options
	type := o.of.type
	not tables.pss.selinux_types[type]
}

violations contains {
	"message": sprintf("%s has the SELinux type `%s`, which is allowed from 1.%d on", [o.who, type, since]),
	"path": sprintf("%s/type", [o.path]),
	"found": type,
	"wanted": null,
} if {
	some o in options
	type := o.of.type
	since := tables.pss.selinux_types[type]
	body.minor != null
	body.minor < since
}

violations contains {
	"message": sprintf("%s has the SELinux %s `%s`", [o.who, field, value]),
	"path": sprintf("%s/%s", [o.path, field]),
	"found": value,
	"wanted": null,
} if {
	some o in options
	some field in ["user", "role"]
	value := o.of[field]
	value != ""
}

doubtful if {
	body.minor == null
	some o in options
	type := o.of.type
	tables.pss.selinux_types[type] > 0
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
