# METADATA
# title: Nodes run a maintained version of Kubernetes
# description: >-
#   scs-0210-v2, recommended: no version that has reached its end of life is in use.
#   Judges the kubelet of each node, which may be older than the API server.
# scope: package
# custom:
#   id: scs-strict-0210-node-versions
#   severity: medium
#   input: resource
#   kinds: [core.Node]
#   visibility: member
#   requires:
#     core.Node: [/status/nodeInfo/kubeletVersion]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy
#   remediation: >-
#     Upgrade the nodes of the pool to a maintained minor version.
package scs_kaas_strict.scs_0210.node_versions

import rego.v1

import data.kubernetes_releases
import data.scs.lib.kubernetes
import data.scs.lib.utc

found := input.resource.body.status.nodeInfo.kubeletVersion

parts := kubernetes.version(found)

of := object.get(kubernetes_releases.releases.branches, kubernetes.branch(parts), null) if parts != null

now := utc.instant(input.now)

ends := kubernetes.span(of.end_of_life)[0] if of != null

verdict := "abort" if parts == null

verdict := "abort" if of == null

reason := sprintf("`%v` is not a version such as v1.36.2", [found]) if parts == null

reason := sprintf(
	"the data on releases, of %v, do not know %s; put newer ones in their place",
	[kubernetes_releases.releases.as_of, kubernetes.branch(parts)],
) if {
	of == null
}

verdict := "pass" if now < ends

verdict := "fail" if now >= ends

violations contains {
	"message": sprintf("the kubelet is %s, which is not maintained since %s", [found, of.end_of_life]),
	"path": "/status/nodeInfo/kubeletVersion",
	"found": found,
	"wanted": "a branch that is maintained",
} if {
	verdict == "fail"
}

valid_until := utc.rfc3339(ends) if verdict == "pass"

valid_until := utc.forever if verdict in {"fail", "abort"}
