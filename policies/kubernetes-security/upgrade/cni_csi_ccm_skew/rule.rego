# METADATA
# title: Add-ons are tested with the Kubernetes version
# description: >-
#   Calico and Cilium by the tables of their makers; cloud controller managers of OpenStack
#   by the skew policy (not newer than the API server, one minor version older at most).
#   `target_minor` is the version to judge for; the one that runs if it is null. Not judged:
#   releases that are not in the tables, add-ons without a table (CSI drivers: their makers
#   publish none), images named by digest alone.
# scope: package
# custom:
#   id: k8s.upgrade.cni-csi-ccm-skew
#   severity: high
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/minor, /containers]
#   standard: https://kubernetes.io/releases/version-skew-policy/
#   remediation: >-
#     Upgrade the add-on first if its next release is tested with both versions, else
#     between two minor versions of Kubernetes. A CNI upgrade restarts the network agent on
#     every node.
#   parameters:
#     target_minor: null
package k8s.upgrade.cni_csi_ccm_skew

import rego.v1

import data.k8s.lib.version
import data.k8s.tables

body := input.resource.body

target := input.parameters.target_minor if is_number(input.parameters.target_minor)

target := body.minor if {
	input.parameters.target_minor == null
	is_number(body.minor)
}

# The add-ons that it runs, with their releases.
addons contains {"addon": name, "release": groups[0][1], "image": c.image, "path": c.path} if {
	some c in body.containers
	c.type == "container"
	some name, table in tables.addons
	groups := regex.find_all_string_submatch_n(table.image, c.image, 1)
	count(groups) == 1
}

violations contains {
	"message": sprintf("%s %s is tested with Kubernetes 1.%d to 1.%d, not 1.%d", [a.addon, a.release, range[0], range[1], target]),
	"path": sprintf("%s/image", [a.path]),
	"found": a.image,
	"wanted": null,
} if {
	some a in addons
	range := tables.addons[a.addon].releases[a.release]
	outside(range)
}

outside(range) if target < range[0]

outside(range) if target > range[1]

managers contains {"minor": version.minor(tag), "image": c.image, "path": c.path} if {
	some c in body.containers
	c.type == "container"
	regex.match(`(^|/)openstack-cloud-controller-manager:`, c.image)
	tag := regex.replace(c.image, `^.*:`, "")
}

violations contains {
	"message": sprintf("the cloud controller manager is of 1.%d and does not fit to 1.%d", [m.minor, target]),
	"path": sprintf("%s/image", [m.path]),
	"found": m.image,
	"wanted": sprintf("v1.%d", [target]),
} if {
	some m in managers
	behind := target - m.minor
	not behind in {0, 1}
}

doubts contains version.unknown if {
	count(addons) + count(managers) > 0
	not target
}

doubts contains sprintf("with which versions %s %s is tested is not known here", [a.addon, a.release]) if {
	some a in addons
	addon := a.addon
	release := a.release
	not tables.addons[addon].releases[release]
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(doubts) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(doubts) > 0
}

reason := min(doubts)
