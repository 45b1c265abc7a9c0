# METADATA
# title: Flavor names that begin with SCS- follow the grammar
# description: >-
#   The old spelling of scs-0100-v1, with colons, is tolerated. Names without the prefix
#   are free.
# scope: package
# custom:
#   id: scs-0100-syntax-check
#   severity: medium
#   input: collection
#   kinds: [compute.flavor, identity.token]
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

import data.scs.lib.flavor_name
import data.scs.lib.redacted
import data.scs.lib.shown

offered := shown.looked_at(input, "compute.flavor", {"os-flavor-access:is_public"})

# What is wrong with each name; nothing with one that does not begin with SCS-.
faults := {id: object.get(promise, "errors", set()) |
	some id, flavor in offered
	promise := flavor_name.parse(flavor.body.name, input.parameters.mode)
}

wrong := {id | some id, errors in faults; count(errors) > 0}

# Names of which a secret was taken out that may begin with SCS-.
hidden := {id | some id, flavor in offered; redacted.hides(flavor.body.name, {"SCS-"}) == true}

verdict := "pass" if {
	count(faults) == count(offered)
	count(wrong) == 0
	count(hidden) == 0
}

verdict := "abort" if {
	count(faults) == count(offered)
	count(wrong) == 0
	count(hidden) > 0
}

reason := redacted.reason(sprintf("flavor %s", [offered[min(hidden)].key]), "name") if verdict == "abort"

verdict := "fail" if {
	count(faults) == count(offered)
	count(wrong) > 0
}

violations contains {
	"resource": offered[id].key,
	"message": sprintf("flavor `%s`: %s", [offered[id].body.name, e]),
	"path": "/name",
	"found": offered[id].body.name,
	"wanted": "a name as scs-0100 spells it",
} if {
	verdict == "fail"
	some id in wrong
	some e in faults[id]
}
