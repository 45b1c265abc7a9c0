# What scs-0214 asks of nodes.
package scs.lib.node

import rego.v1

# The labels that say where a node is.
wanted := ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"]

# A violation for each node and label that is not there, or says nothing.
unlabelled(nodes) := {{
	"resource": n.key,
	"message": sprintf("node `%s` has no label `%s`", [n.body.metadata.name, label]),
	"path": sprintf("/metadata/labels/%s", [replace(label, "/", "~1")]),
	"found": value,
	"wanted": "where the node is",
} |
	some n in nodes
	some label in wanted
	value := object.get(n.body.metadata, ["labels", label], null)
	value in {null, ""}
}

# Whether a node belongs to the control plane.
is_control_plane(n) if {
	some role in ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master", "node-role.kubernetes.io/controlplane"]
	role in object.keys(object.get(n.body.metadata, "labels", {}))
}
