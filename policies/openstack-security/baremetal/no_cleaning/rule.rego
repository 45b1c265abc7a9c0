# METADATA
# title: Machines are wiped between customers
# description: >-
#   Automated cleaning is on for the node. Where it is not set there, the conductor's
#   configuration decides ([conductor] automated_clean), which the API does not show:
#   parameter `automated_clean: on` takes the operator's word that it is on, `off` fails
#   those nodes.
# scope: package
# custom:
#   id: os.baremetal.no-cleaning
#   severity: high
#   input: resource
#   kinds: [baremetal.node]
#   absent: [baremetal.node]
#   requires:
#     baremetal.node: [/automated_clean]
#   standard: https://docs.openstack.org/ironic/latest/admin/cleaning.html
#   remediation: >-
#     openstack baremetal node set --automated-clean NODE, or `automated_clean = True` in
#     [conductor] of ironic.conf. A node takes longer to be ready for the next customer;
#     erasing whole disks may take hours (`erase_devices_metadata_priority`).
#   parameters:
#     automated_clean: unknown
package os.baremetal.no_cleaning

import rego.v1

body := input.resource.body

unset if body.automated_clean == null

word := sprintf("%v", [input.parameters.automated_clean])

dirty if body.automated_clean == false

dirty if {
	unset
	word in {"off", "false"}
}

verdict := "fail" if dirty

verdict := "pass" if body.automated_clean == true

verdict := "pass" if {
	unset
	word in {"on", "true"}
}

verdict := "abort" if {
	unset
	not word in {"on", "true", "off", "false"}
}

reason := "it is not set for the node, and the API does not show the conductor's configuration; parameter `automated_clean` takes the operator's word" if verdict == "abort"

violations contains {
	"message": "the node is not wiped between customers",
	"path": "/automated_clean",
	"found": body.automated_clean,
	"wanted": true,
} if {
	dirty
}
