# METADATA
# title: The Kubernetes version is supported
# description: >-
#   The project supports each minor version for about 14 months; the dates are in the bundle
#   `kubernetes-releases`. Distributors may support theirs for longer, which is not seen.
# scope: package
# custom:
#   id: k8s.upgrade.version-eol
#   severity: high
#   input: resource
#   kinds: [kubernetes.version]
#   requires:
#     kubernetes.version: [/gitVersion]
#   time: true
#   controls: ['kubescape:C-0273']
#   standard: https://kubernetes.io/releases/patch-releases/#support-period
#   remediation: >-
#     Upgrade one minor version at a time, the control plane first (kubeadm: `kubeadm
#     upgrade plan`, `kubeadm upgrade apply`), then the nodes. Read the rules k8s.upgrade.*
#     before each.
package k8s.upgrade.version_eol

import rego.v1

import data.k8s.lib.version
import data.kubernetes_releases

minor := version.minor(input.resource.body.gitVersion)

branches := kubernetes_releases.releases.branches

ends := branches[sprintf("1.%d", [minor])].end_of_life

known contains n if {
	some name, _ in branches
	n := version.minor(name)
}

today := substring(input.now, 0, 10)

violations contains {
	"message": sprintf("support of 1.%d ended on %s", [minor, ends]),
	"path": "/gitVersion",
	"found": input.resource.body.gitVersion,
	"wanted": sprintf("1.%d or newer", [min(supported)]),
} if {
	today > ends
}

violations contains {
	"message": sprintf("support of 1.%d ended long ago", [minor]),
	"path": "/gitVersion",
	"found": input.resource.body.gitVersion,
	"wanted": sprintf("1.%d or newer", [min(supported)]),
} if {
	minor < min(known)
}

supported contains max(known)

supported contains n if {
	some name, branch in branches
	today <= branch.end_of_life
	n := version.minor(name)
}

verdict := "pass" if today <= ends

verdict := "fail" if count(violations) > 0

verdict := "abort" if minor > max(known)

verdict := "abort" if not minor

reason := sprintf("the data on releases, of %s, do not know 1.%d; put newer ones in their place", [
	kubernetes_releases.releases.as_of,
	minor,
]) if {
	minor
}

reason := version.unknown if not minor

# A pass ends with the support; no date makes a version supported again.
valid_until := sprintf("%sT23:59:59Z", [ends]) if today <= ends

valid_until := "9999-01-01T00:00:00Z" if count(violations) > 0
