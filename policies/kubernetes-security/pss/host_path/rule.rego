# METADATA
# title: No pod mounts a path of its node
# description: >-
#   Pod Security Standards, baseline, HostPath Volumes. Namespaces in `exempt_namespaces`
#   are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.host-path
#   severity: high
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace]
#   controls: ['kubescape:C-0048', 'kubescape:C-0045']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Use a PersistentVolumeClaim, a `local` volume, a ConfigMap or an `emptyDir` instead of
#     `hostPath`. Data that lies in the path has to be moved; log and node agents need the
#     path: leave their namespace out.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.host_path

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("volume `%s` is the path `%s` of the node", [volume.name, path]),
	"path": sprintf("%s/volumes/%d/hostPath", [body.path, n]),
	"found": path,
	"wanted": null,
} if {
	some n, volume in body.spec.volumes
	path := volume.hostPath.path
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
