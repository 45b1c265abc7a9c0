# METADATA
# title: Volume types that advertise replication replicate
# description: >-
#   scs-0114-v1, "Standardized Aspects" and "Replication": Cinder shows replication that
#   the type asks for (`replication_enabled`), but not that of the backend. Backends whose
#   storage replicates are named in `replicated_backends`, by their
#   `volume_backend_name`; of others there is no verdict. A type that refuses replication
#   contradicts its description.
# scope: package
# custom:
#   id: scs-strict-0114-replicated
#   severity: medium
#   input: resource
#   kinds: [block-storage.type]
#   requires:
#     block-storage.type: [/description, /extra_specs]
#   standard: https://docs.scs.community/standards/scs-0114-v1-volume-type-standard#replication
#   remediation: >-
#     openstack volume type set --property replication_enabled="<is> True" <type>, or take
#     the aspect out of the description.
#   parameters:
#     replicated_backends: []
package scs_strict.scs_0114.replicated

import rego.v1

import data.scs_strict.lib.volume_type

body := input.resource.body

advertised := count(volume_type.aspects(input.resource) & {"replicated"}) > 0

asked := lower(sprintf("%v", [object.get(body.extra_specs, "replication_enabled", "")]))

backend := object.get(body.extra_specs, "volume_backend_name", "")

known := count({backend} & {b | some b in input.parameters.replicated_backends}) > 0

by := "backend" if {
	known == true
} else := "type" if {
	regex.match(`^(<is> +)?true$`, asked)
} else := "nothing" if {
	regex.match(`^(<is> +)?false$`, asked)
} else := "unknown" if {
	is_object(body.extra_specs) == true
}

verdict := "pass" if advertised == false

verdict := "pass" if {
	advertised == true
	by in {"backend", "type"}
}

verdict := "fail" if {
	advertised == true
	by == "nothing"
}

verdict := "abort" if {
	advertised == true
	by == "unknown"
}

reason := sprintf(
	"volume type `%v` advertises `replicated`, and Cinder does not show whether the backend `%v` replicates",
	[object.get(body, "name", null), backend],
) if {
	verdict == "abort"
}

violations contains {
	"message": sprintf(
		"volume type `%v` advertises `replicated`, and its `replication_enabled` is `%v`",
		[object.get(body, "name", null), body.extra_specs.replication_enabled],
	),
	"path": "/extra_specs/replication_enabled",
	"found": body.extra_specs.replication_enabled,
	"wanted": "<is> True",
} if {
	verdict == "fail"
}
