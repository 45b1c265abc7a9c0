# METADATA
# title: Containers do not write to their own file system
# description: >-
#   `readOnlyRootFilesystem` keeps whoever breaks in from leaving programs behind.
#   Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.rootfs-writable
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /namespace, /path]
#   controls: ['kubescape:C-0017']
#   standard: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
#   remediation: >-
#     Set `securityContext.readOnlyRootFilesystem: true` and mount an `emptyDir` where the
#     program writes (`/tmp`, caches, run files); elsewhere writing fails.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.workload.rootfs_writable

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("container `%s` may write to its root file system", [name]),
	"path": sprintf("%s/securityContext/readOnlyRootFilesystem", [c.path]),
	"found": null,
	"wanted": true,
} if {
	some name, c in body.containers
	not c.securityContext.readOnlyRootFilesystem == true
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
