# METADATA
# title: Flavors for everybody give nobody hardware of the host
# description: >-
#   A public flavor with an extra spec that hands out devices or takes the host's memory and
#   cores for itself (`specs`, patterns): every project may start servers with it.
# scope: package
# custom:
#   id: os.compute.flavor-public-passthrough
#   severity: medium
#   input: resource
#   kinds: [compute.flavor]
#   requires:
#     compute.flavor: [/name, '/os-flavor-access:is_public', /extra_specs]
#   standard: https://docs.openstack.org/nova/latest/admin/pci-passthrough.html
#   remediation: >-
#     openstack flavor create --private --project PROJECT … with the same values and another
#     name, then openstack flavor delete OLD. Servers that exist keep running; nobody else can
#     start or resize to it any more.
#   parameters:
#     specs: ['pci_passthrough:*', 'accel:device_profile', 'hw:pmem', 'hw:cpu_realtime', 'hw:locked_memory']
package os.compute.flavor_public_passthrough

import rego.v1

import data.os.lib.names

body := input.resource.body

violations contains {
	"message": sprintf("the public flavor `%s` has `%s`", [body.name, spec]),
	"path": sprintf("/extra_specs/%s", [spec]),
	"found": value,
	"wanted": "a private flavor",
} if {
	body["os-flavor-access:is_public"] == true
	some spec, value in body.extra_specs
	names.listed(input.parameters.specs, spec)
}

verdict := "pass" if {
	is_object(body.extra_specs)
	is_boolean(body["os-flavor-access:is_public"])
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0
