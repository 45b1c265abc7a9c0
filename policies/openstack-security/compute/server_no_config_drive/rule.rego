# METADATA
# title: Servers get their metadata from a config drive
# description: >-
#   Over the network, metadata comes without encryption or proof of origin, and every process
#   in the server may ask for it. A config drive comes from the host.
# scope: package
# custom:
#   id: os.compute.server-no-config-drive
#   severity: info
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/config_drive]
#   controls: ['prowler:compute_instance_config_drive_enabled']
#   standard: https://docs.openstack.org/nova/latest/user/metadata.html#config-drives
#   remediation: >-
#     openstack server create --use-config-drive …; a server that exists cannot be given one.
#     `[DEFAULT] force_config_drive = true` in nova.conf does it for all new ones. Live
#     migration of servers with a config drive needs shared storage or block migration.
package os.compute.server_no_config_drive

import rego.v1

drive := input.resource.body.config_drive

verdict := "pass" if drive == "True"

verdict := "fail" if drive == ""

violations contains {
	"message": "the server has no config drive",
	"path": "/config_drive",
	"found": "",
	"wanted": "True",
} if {
	drive == ""
}
