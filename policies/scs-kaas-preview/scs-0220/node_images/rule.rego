# METADATA
# title: Node images are rebuilt with each patch of Kubernetes
# description: >-
#   scs-0220-v1, a draft: images of nodes are built anew with each patch, and hold
#   all fixes. A kubelet that lags behind the API server by a patch of the same
#   minor version shows an image that was not. When an image was built no API tells:
#   `build_date` names the label or annotation of nodes that holds the day, if there
#   is one, which must not be before the release of the kubelet.
# scope: package
# custom:
#   id: scs-preview-0220-node-images
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.Node, kubernetes.version]
#   visibility: member
#   requires:
#     core.Node: [/metadata, /status/nodeInfo/kubeletVersion]
#     kubernetes.version: [/gitVersion]
#   standard: https://docs.scs.community/standards/scs-0220-v1-node-image-recency
#   remediation: >-
#     Build node images with the patch that is named, and replace the nodes.
#   parameters:
#     build_date: ''
package scs_kaas_preview.scs_0220.node_images

import rego.v1

import data.kubernetes_releases
import data.scs.lib.kubernetes
import data.scs.lib.utc

nodes := input.resources["core.Node"]

server := kubernetes.version(cluster.body.gitVersion) if {
	count(input.resources["kubernetes.version"]) == 1
	some cluster in input.resources["kubernetes.version"]
}

kubelets := {id: kubernetes.version(n.body.status.nodeInfo.kubeletVersion) | some id, n in nodes}

behind := {id |
	some id, parts in kubelets
	parts != null
	kubernetes.branch(parts) == kubernetes.branch(server)
	parts < server
}

# {node: the second at which its image was built at the latest}
built := {id: kubernetes.span(day)[1] |
	some id, n in nodes
	meta := n.body.metadata
	some day in {object.get(meta, ["labels", input.parameters.build_date], null), object.get(meta, ["annotations", input.parameters.build_date], null)} - {null}
}

released := {id: kubernetes.span(at)[0] |
	some id, parts in kubelets
	at := kubernetes_releases.releases.branches[kubernetes.branch(parts)].releases[sprintf("%d.%d.%d", parts)]
}

# Built before the kubelet in it was there: the day is wrong.
early := {id | some id, at in built; at < released[id]}

unknown := {id | some id in object.keys(nodes); count([1 | built[id] >= released[id]]) == 0}

readable if {
	is_array(server)
	count({id | some id, parts in kubelets; is_array(parts)}) == count(nodes)
}

verdict := "abort" if count([1 | readable]) == 0

verdict := "fail" if {
	readable
	count(behind) + count(early) > 0
}

verdict := "abort" if {
	readable
	count(behind) + count(early) == 0
	count(unknown) > 0
}

verdict := "pass" if {
	readable
	count(behind) + count(early) == 0
	count(unknown) == 0
}

reason := "a version of the API server or of a kubelet is not one such as v1.36.2" if {
	count([1 | readable]) == 0
} else := sprintf("when the images of %d nodes were built is not known; name the label that says so with the parameter `build_date`", [count(unknown)]) if {
	count(unknown) > 0
}

violations contains {
	"resource": nodes[id].key,
	"message": sprintf("node `%s` has Kubernetes %s, the API server %s", [id, nodes[id].body.status.nodeInfo.kubeletVersion, sprintf("v%d.%d.%d", server)]),
	"path": "/status/nodeInfo/kubeletVersion",
	"found": nodes[id].body.status.nodeInfo.kubeletVersion,
	"wanted": sprintf("v%d.%d.%d", server),
} if {
	some id in behind
}

violations contains {
	"resource": nodes[id].key,
	"message": sprintf("node `%s` says that its image was built before its Kubernetes %s was released", [id, nodes[id].body.status.nodeInfo.kubeletVersion]),
	"path": "/metadata",
	"found": utc.date(floor(built[id] / 86400)),
	"wanted": utc.date(floor(released[id] / 86400)),
} if {
	some id in early
}
