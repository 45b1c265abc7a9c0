# METADATA
# title: The least RAM that an image states suffices
# description: >-
#   scs-0102-v1, "Technical requirements and features": a server with the `min_ram` of the
#   image has to boot and survive. One snapshot shows that where an active server of the
#   image has no more RAM than that; where none does there is no verdict. Less than
#   `least` MiB boots nothing. Servers that boot from a volume do not name their image.
# scope: package
# custom:
#   id: scs-strict-0102-min-ram
#   severity: low
#   input: resource
#   kinds: [image.image]
#   joins:
#   - {name: servers, kind: compute.server, key: /id, field: /image/id}
#   requires:
#     image.image: [/id, /visibility, /min_ram, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata#technical-requirements-and-features
#   remediation: "openstack image set --min-ram <MiB> <image>"
#   parameters:
#     mode: strict
#     least: 64
package scs_strict.scs_0102.min_ram

import rego.v1

import data.scs.lib.image

body := input.resource.body

in_scope := image.in_scope(input.resource, input.parameters.mode)

# Active servers with so little RAM.
proofs := {id |
	some id, server in input.joined.servers
	server.status == "ACTIVE"
	is_number(server.flavor.ram) == true
	server.flavor.ram <= body.min_ram
}

judged if {
	in_scope == true
	is_number(body.min_ram) == true
}

verdict := "pass" if in_scope == false

verdict := "fail" if {
	judged
	body.min_ram < input.parameters.least
}

verdict := "pass" if {
	judged
	body.min_ram >= input.parameters.least
	count(proofs) > 0
}

verdict := "abort" if {
	judged
	body.min_ram >= input.parameters.least
	count(proofs) == 0
}

reason := sprintf(
	"no active server shows that %s boots with %v MiB of RAM",
	[image.label(input.resource), body.min_ram],
) if {
	verdict == "abort"
}

violations contains image.violation(input.resource, "min_ram", demand, least) if {
	verdict == "fail"
	least := input.parameters.least
	demand := sprintf("with which nothing boots: at least %v", [least])
}
