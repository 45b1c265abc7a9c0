# METADATA
# title: Volume types list their aspects as the standard spells them
# description: >-
#   A description may begin with a list such as `[scs:encrypted, replicated]`: known
#   aspects, in order, each once. Descriptions without one are free.
# scope: package
# custom:
#   id: scs-0114-syntax-check
#   severity: medium
#   input: collection
#   kinds: [block-storage.type, identity.token]
#   visibility: member
#   standard: https://docs.scs.community/standards/scs-0114-v1-volume-type-standard
#   remediation: >-
#     Write the list with the aspects `encrypted` and `replicated` only, in this order:
#     openstack volume type set --description "[scs:encrypted, replicated] …" <type>
#   parameters:
#     mode: reference
package scs.scs_0114.syntax_check

import rego.v1

import data.scs.lib.volume_type

aspects := volume_type.aspects(input)

offered := volume_type.looked_at(input)

unordered := {id | some id, list in aspects; list != sort({a | some a in list})}

unknown := {id: strange |
	some id, list in aspects
	strange := {a | some a in list} - volume_type.known
	count(strange) > 0
}

wrong := object.keys(unknown) | unordered

# Mode `strict` decides nothing where a type lacks the field, nor any mode where a secret
# was taken out of what would have to be read, unless another type is wrong.
doubts := volume_type.doubtful(input)

verdict := "pass" if {
	is_object(aspects)
	count(wrong) == 0
	count(doubts) == 0
}

verdict := "abort" if {
	count(wrong) == 0
	count(doubts) > 0
}

reason := min({why | some why in doubts}) if verdict == "abort"

verdict := "fail" if count(wrong) > 0

violations contains violation(offered[id], sprintf("`%s` is no known aspect", [aspect])) if {
	verdict == "fail"
	some id, strange in unknown
	some aspect in strange
}

violations contains violation(offered[id], "its aspects are not in order, each once") if {
	verdict == "fail"
	some id in unordered
}

violation(found, says) := {
	"resource": found.key,
	"message": sprintf("volume type `%v`: %s", [object.get(found.body, "name", null), says]),
	"path": "/description",
	"found": found.body.description,
	"wanted": "[scs:…] with encrypted, replicated, or both in this order",
}
