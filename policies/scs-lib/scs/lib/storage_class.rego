# Default storage classes, and what keeps volumes on one node.
package scs.lib.storage_class

import rego.v1

annotation := "storageclass.kubernetes.io/is-default-class"

# The ids of those that are the default.
defaults(classes) := {id | some id, c in classes; object.get(c.body, ["metadata", "annotations", annotation], "") == "true"}

# The ids of those whose provisioner makes volumes that stay on one node, or none.
local(classes) := {id |
	some id, c in classes
	some part in parts
	contains(c.body.provisioner, part)
}

# By a part of the provisioner's name.
parts := [
	"kubernetes.io/no-provisioner",
	"rancher.io/local-path",
	"openebs.io/local",
	"local.csi.openebs.io",
	"lvm.csi",
	"zfs.csi.openebs.io",
	"topolvm",
	"hostpath",
]
