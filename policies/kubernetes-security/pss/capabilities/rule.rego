# METADATA
# title: No container adds capabilities beyond the usual
# description: >-
#   Pod Security Standards, baseline, Capabilities: only those that container runtimes give
#   anyway may be added. Namespaces in `exempt_namespaces` are left out, by default
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.capabilities
#   severity: high
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace]
#   controls: ['kubescape:C-0046']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   remediation: >-
#     Remove the capability from `securityContext.capabilities.add`. What the program did
#     with it then fails with "operation not permitted"; often a port above 1024 or a file
#     owned by its user makes it unnecessary.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.capabilities

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

allowed := {
	"AUDIT_WRITE",
	"CHOWN",
	"DAC_OVERRIDE",
	"FOWNER",
	"FSETID",
	"KILL",
	"MKNOD",
	"NET_BIND_SERVICE",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYS_CHROOT",
}

violations contains {
	"message": sprintf("container `%s` adds the capability `%s`", [name, capability]),
	"path": sprintf("%s/securityContext/capabilities/add/%d", [c.path, n]),
	"found": capability,
	"wanted": null,
} if {
	some name, c in body.containers
	some n, capability in c.securityContext.capabilities.add
	not capability in allowed
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
