# METADATA
# title: SCS flavors say whether all clouds have them
# description: >-
#   Proposal for scs-0103 v1.3: every flavor with an SCS name bears the extra spec
#   `scs:required`, which is `mandatoryv1` on the mandatory flavors, `recommendedv1` on the
#   recommended ones and `optional` on the others, so that users see which names they find
#   elsewhere. A flavor is known by its name and by `scs:name-vN`.
# scope: package
# custom:
#   id: scs-preview-0103-required
#   severity: info
#   input: resource
#   kinds: [compute.flavor]
#   visibility: member
#   requires:
#     compute.flavor: [/name, /extra_specs]
#   standard: https://github.com/SovereignCloudStack/standards/pull/1266
#   remediation: "openstack flavor set --property scs:required=<value> <flavor>"
package scs_preview.scs_0103.required

import rego.v1

body := input.resource.body

mandatory := {
	"SCS-1V-4",
	"SCS-2V-8",
	"SCS-4V-16",
	"SCS-4V-16-100s",
	"SCS-8V-32",
	"SCS-1V-2",
	"SCS-2V-4",
	"SCS-2V-4-20s",
	"SCS-4V-8",
	"SCS-8V-16",
	"SCS-16V-32",
	"SCS-1V-8",
	"SCS-2V-16",
	"SCS-4V-32",
	"SCS-1L-1",
}

recommended := {
	"SCS-1V-4-10",
	"SCS-2V-8-20",
	"SCS-4V-16-50",
	"SCS-8V-32-100",
	"SCS-1V-2-5",
	"SCS-2V-4-10",
	"SCS-4V-8-20",
	"SCS-8V-16-50",
	"SCS-16V-32-100",
	"SCS-1V-8-20",
	"SCS-2V-16-50",
	"SCS-4V-32-100",
	"SCS-1L-1-5",
}

given contains body.name

given contains value if {
	some key, value in body.extra_specs
	regex.match(`^scs:name-v[1-9][0-9]*$`, key)
}

# In the spelling of v2.
names := {spelling |
	is_object(body.extra_specs) == true
	some name in given
	startswith(name, "SCS-")
	spelling := concat("-", split(name, ":"))
}

wanted := "mandatoryv1" if {
	count(names & mandatory) > 0
} else := "recommendedv1" if {
	count(names & recommended) > 0
} else := "optional" if {
	count(names) > 0
} else := "nothing" if {
	is_object(body.extra_specs) == true
	is_string(body.name) == true
}

found := object.get(body.extra_specs, "scs:required", null)

verdict := "pass" if wanted == "nothing"

verdict := "pass" if {
	wanted != "nothing"
	found == wanted
}

verdict := "fail" if {
	wanted != "nothing"
	found != wanted
}

violations contains {
	"message": sprintf("flavor `%s`: `scs:required` is %s, wanted `%s`", [body.name, shown(found), wanted]),
	"path": "/extra_specs/scs:required",
	"found": found,
	"wanted": wanted,
} if {
	verdict == "fail"
}

shown(null) := "absent"

shown(value) := sprintf("`%v`", [value]) if value != null
