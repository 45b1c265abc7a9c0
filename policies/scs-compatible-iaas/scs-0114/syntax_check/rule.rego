# METADATA
# title: Volume types list their aspects as the standard spells them
# description: >-
#   A description may begin with a list such as `[scs:encrypted, replicated]`: known
#   aspects, in order, each once. Descriptions without one are free.
# scope: package
# custom:
#   id: scs-0114-syntax-check
#   severity: medium
#   input: resource
#   kinds: [block-storage.type]
#   visibility: member
#   requires:
#     block-storage.type: [/description, /is_public]
#   standard: https://docs.scs.community/standards/scs-0114-v1-volume-type-standard
#   remediation: >-
#     Write the list with the aspects `encrypted` and `replicated` only, in this order:
#     openstack volume type set --description "[scs:encrypted, replicated] …" <type>
#   parameters:
#     mode: reference
package scs.scs_0114.syntax_check

import rego.v1

body := input.resource.body

known := {"encrypted", "replicated"}

# `reference`: types that any project member is shown. `strict`: all.
in_scope := body.is_public == true if input.parameters.mode == "reference"

in_scope := true if input.parameters.mode == "strict"

lists := regex.find_all_string_submatch_n(`^\[scs:([^\[\]]+)\]`, sprintf("%v", [body.description]), 1)

aspects := [trim_space(part) | some list in lists; some part in split(list[1], ",")]

ordered := aspects == sort({a | some a in aspects})

unknown := {a | some a in aspects} - known

verdict := "pass" if in_scope == false

verdict := "pass" if {
	in_scope == true
	ordered == true
	count(unknown) == 0
}

verdict := "fail" if {
	in_scope == true
	ordered == false
}

verdict := "fail" if {
	in_scope == true
	count(unknown) > 0
}

violations contains violation(sprintf("`%s` is no known aspect", [aspect])) if {
	verdict == "fail"
	some aspect in unknown
}

violations contains violation("its aspects are not in order, each once") if {
	verdict == "fail"
	ordered == false
}

violation(says) := {
	"message": sprintf("volume type `%v`: %s", [object.get(body, "name", null), says]),
	"path": "/description",
	"found": body.description,
	"wanted": "[scs:…] with encrypted, replicated, or both in this order",
}
