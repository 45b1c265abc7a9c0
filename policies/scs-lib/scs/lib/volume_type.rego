# What volume types say about themselves (scs-0114).
package scs.lib.volume_type

import rego.v1

import data.scs.lib.redacted
import data.scs.lib.shown

known := {"encrypted", "replicated"}

looked_at(asked) := shown.looked_at(asked, "block-storage.type", {"is_public", "os-volume-type-access:is_public"})

# The aspects of each type that lists any, in its order. The list stands at the
# very beginning of the description; one without is free.
aspects(asked) := {id: [trim_space(part) | some part in split(lists[0][1], ",")] |
	some id, found in offered
	lists := regex.find_all_string_submatch_n(`^\[scs:([^\[\]]+)\]`, sprintf("%v", [description(found)]), 1)
	count(lists) == 1
} if {
	offered := looked_at(asked)
}

# The types of which nobody knows whether they list any. To the reference suite a type
# without that field has no description, as one that says null. Mode `strict` wants it
# said.
doubtful(asked) := object.union(redactions(offered), {id: sprintf("%s has no field `description`", [called(offered[id])]) |
	some id in undescribed(offered, asked.parameters.mode)
}) if {
	offered := looked_at(asked)
}

redactions(offered) := {id: redacted.reason(called(found), "description") |
	some id, found in offered
	regex.match(`^(\[(s(c(s(:[^\[\]]*)?)?)?)?)?\[redacted`, sprintf("%v", [description(found)])) == true
}

undescribed(_, "reference") := set()

undescribed(offered, "strict") := {id |
	some id, found in offered
	object.get(found.body, "description", "") != object.get(found.body, "description", null)
}

description(found) := object.get(found.body, "description", null)

called(found) := sprintf("volume type `%v`", [object.get(found.body, "name", null)])

# Whether some type has an aspect.
judge(asked, aspect) := judgement(bearing, doubtful(asked), looked_at(asked), aspect) if {
	lists := aspects(asked)
	bearing := {id |
		some id, list in lists
		aspect in list
	}
}

judgement(bearing, _, _, _) := {"verdict": "pass", "violations": set()} if count(bearing) > 0

judgement(bearing, doubts, _, _) := {"verdict": "abort", "violations": set(), "reason": min({why | some why in doubts})} if {
	count(bearing) == 0
	count(doubts) > 0
}

judgement(bearing, doubts, offered, aspect) := {"verdict": "fail", "violations": {{
	"message": sprintf("no volume type says that it is %s", [aspect]),
	"path": "",
	"found": sort([description(found) | some found in offered]),
	"wanted": sprintf("a description that begins with [scs:%s]", [aspect]),
}}} if {
	count(bearing) == 0
	count(doubts) == 0
}
