# METADATA
# title: Routers survive the loss of a host
# description: >-
#   A router is highly available or distributed, unless all its availability zones are in
#   `other_zones` (names, with `*`), those that are not for production. A router on one
#   host takes its networks off the air with it.
# scope: package
# custom:
#   id: os.network.router-not-ha
#   severity: medium
#   input: resource
#   kinds: [network.router]
#   requires:
#     network.router: [/ha, /availability_zones]
#   standard: https://docs.openstack.org/neutron/latest/admin/config-dvr-ha-snat.html
#   remediation: >-
#     openstack router set --disable ROUTER, `openstack router set --ha ROUTER`,
#     `openstack router set --enable ROUTER`: its networks are cut off in between. For new
#     ones `l3_ha = true` in neutron.conf; with OVN the gateway is scheduled to several
#     chassis.
#   parameters:
#     other_zones: []
package os.network.router_not_ha

import rego.v1

import data.os.lib.names

body := input.resource.body

zones contains zone if some zone in body.availability_zones

production contains zone if {
	some zone in zones
	not names.listed(input.parameters.other_zones, zone)
}

left_out if {
	count(zones) > 0
	count(production) == 0
}

safe if body.ha == true

safe if body.distributed == true

verdict := "pass" if safe

verdict := "pass" if {
	left_out
	not safe
}

verdict := "fail" if {
	body.ha == false
	not safe
	not left_out
}

violations contains {
	"message": "the router is on one host only",
	"path": "/ha",
	"found": false,
	"wanted": true,
} if {
	body.ha == false
	not safe
	not left_out
}
