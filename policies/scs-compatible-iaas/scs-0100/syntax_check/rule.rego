# METADATA
# title: Flavor names that begin with SCS- follow the grammar
# description: >-
#   The old spelling of scs-0100-v1, with colons, is tolerated. Names without the prefix
#   are free.
# scope: package
# custom:
#   id: scs-0100-syntax-check
#   severity: medium
#   input: resource
#   kinds: [compute.flavor]
#   visibility: member
#   requires:
#     compute.flavor: [/name]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming
#   remediation: >-
#     Nova cannot rename a flavor: create one with a valid name and the same values, and
#     delete this one, or take the prefix `SCS-` off the new name.
#   parameters:
#     mode: reference
package scs.scs_0100.syntax_check

import rego.v1

import data.scs.lib.flavor
import data.scs.lib.flavor_name

in_scope := flavor.in_scope(input.resource, input.parameters.mode)

promise := flavor_name.parse(input.resource.body.name, input.parameters.mode)

verdict := "pass" if in_scope == false

verdict := "pass" if {
	in_scope == true
	promise.scs == false
}

verdict := "pass" if {
	in_scope == true
	count(promise.errors) == 0
}

verdict := "fail" if {
	in_scope == true
	count(promise.errors) > 0
}

violations contains {
	"message": sprintf("flavor `%s`: %s", [input.resource.body.name, e]),
	"path": "/name",
	"found": input.resource.body.name,
	"wanted": "a name as scs-0100 spells it",
} if {
	verdict == "fail"
	some e in promise.errors
}
