# METADATA
# title: Standard flavors without a disk state no disk type
# description: >-
#   scs-0103-v1, "Guarantees and properties": `scs:disk0-type` is not set on a standard
#   flavor that has no disk. A standard flavor is known by its name or by `scs:name-vN`.
# scope: package
# custom:
#   id: scs-strict-0103-diskless
#   severity: low
#   input: resource
#   kinds: [compute.flavor]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#   standard: https://docs.scs.community/standards/scs-0103-v1-standard-flavors#guarantees-and-properties
#   remediation: "openstack flavor unset --property scs:disk0-type <flavor>"
package scs_strict.scs_0103.diskless

import rego.v1

import data.scs_strict.lib.promise

body := input.resource.body

# The standard flavors without a disk.
diskless := {
	"SCS-1L-1",
	"SCS-1V-2",
	"SCS-1V-4",
	"SCS-1V-8",
	"SCS-2V-4",
	"SCS-2V-8",
	"SCS-2V-16",
	"SCS-4V-8",
	"SCS-4V-16",
	"SCS-4V-32",
	"SCS-8V-16",
	"SCS-8V-32",
	"SCS-16V-32",
}

# In the spelling of v1 too.
standard := {name |
	is_object(body.extra_specs) == true
	some name in promise.names(input.resource)
	spelling := concat("-", split(name, ":"))
	count({spelling} & diskless) == 1
}

stated := object.get(body.extra_specs, "scs:disk0-type", null)

verdict := "pass" if {
	is_object(body.extra_specs) == true
	count(standard) == 0
}

verdict := "pass" if {
	count(standard) > 0
	stated == null
}

verdict := "fail" if {
	count(standard) > 0
	stated != null
}

violations contains {
	"message": sprintf(
		"flavor `%s` is the standard flavor `%s` without a disk, and `scs:disk0-type` is `%v`",
		[body.name, min(standard), stated],
	),
	"path": "/extra_specs/scs:disk0-type",
	"found": stated,
	"wanted": null,
} if {
	verdict == "fail"
}
