# METADATA
# title: Kubelets fit to the API server
# description: >-
#   No kubelet is newer than the API server, nor more than three minor versions older (two
#   before 1.28). With several API servers of different versions, the one that answered
#   counts.
# scope: package
# custom:
#   id: k8s.upgrade.version-skew
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.Node, kubernetes.version]
#   requires:
#     core.Node: [/status/nodeInfo/kubeletVersion]
#     kubernetes.version: [/gitVersion]
#   standard: https://kubernetes.io/releases/version-skew-policy/#kubelet
#   remediation: >-
#     Upgrade the kubelet after `kubectl drain NODE`, one minor version at a time on
#     control-plane nodes; a kubelet that is too new waits until the API server is upgraded,
#     or is downgraded with its package.
package k8s.upgrade.version_skew

import rego.v1

import data.k8s.lib.server
import data.k8s.lib.version

minor := server.minor(input)

most := 3 if minor >= 28

most := 2 if minor < 28

violations contains {
	"resource": node.key,
	"message": sprintf("the kubelet is %s, newer than the API server (1.%d)", [node.body.status.nodeInfo.kubeletVersion, minor]),
	"path": "/status/nodeInfo/kubeletVersion",
	"found": node.body.status.nodeInfo.kubeletVersion,
	"wanted": sprintf("1.%d", [minor]),
} if {
	some node in input.resources["core.Node"]
	version.minor(node.body.status.nodeInfo.kubeletVersion) > minor
}

violations contains {
	"resource": node.key,
	"message": sprintf("the kubelet is %s, more than %d minor versions older than the API server (1.%d)", [
		node.body.status.nodeInfo.kubeletVersion,
		most,
		minor,
	]),
	"path": "/status/nodeInfo/kubeletVersion",
	"found": node.body.status.nodeInfo.kubeletVersion,
	"wanted": sprintf("1.%d", [minor]),
} if {
	some node in input.resources["core.Node"]
	minor - version.minor(node.body.status.nodeInfo.kubeletVersion) > most
}

doubts contains version.unknown if not minor

doubts contains sprintf("the version of the kubelet of `%s` cannot be read", [node.name]) if {
	some node in input.resources["core.Node"]
	text := node.body.status.nodeInfo.kubeletVersion
	not version.minor(text)
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
