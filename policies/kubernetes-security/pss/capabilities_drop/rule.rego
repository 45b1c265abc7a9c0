# METADATA
# title: Containers drop all capabilities
# description: >-
#   Pod Security Standards, restricted since 1.22, Capabilities: `drop` has ALL, `add`
#   nothing but NET_BIND_SERVICE. Not asked of pods for Windows (`os.name`) since 1.25.
#   Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.pss.capabilities-drop
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /spec, /path, /namespace, /minor]
#   controls: ['kubescape:C-0046']
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   remediation: >-
#     Set `securityContext.capabilities: {drop: [ALL]}` on every container. Programs that
#     change owners, users or ports below 1024 fail then; NET_BIND_SERVICE may be added
#     back.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.pss.capabilities_drop

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.pss

body := input.resource.body

drops_all contains name if {
	some name, c in body.containers
	some capability in c.securityContext.capabilities.drop
	capability == "ALL"
}

found contains {
	"message": sprintf("container `%s` does not drop all capabilities", [name]),
	"path": sprintf("%s/securityContext/capabilities/drop", [c.path]),
	"found": null,
	"wanted": ["ALL"],
} if {
	some name, c in body.containers
	not name in drops_all
	not pod.exempt(input)
}

found contains {
	"message": sprintf("container `%s` adds the capability `%s`", [name, capability]),
	"path": sprintf("%s/securityContext/capabilities/add/%d", [c.path, n]),
	"found": capability,
	"wanted": null,
} if {
	some name, c in body.containers
	some n, capability in c.securityContext.capabilities.add
	capability != "NET_BIND_SERVICE"
	not pod.exempt(input)
}

violations contains v if {
	some v in found
	pss.reached(body, "capabilities_restricted")
	not pss.windows(body)
}

doubtful if {
	body.minor == null
	count(found) > 0
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
