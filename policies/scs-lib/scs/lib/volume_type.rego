# What volume types say about themselves (scs-0114).
package scs.lib.volume_type

import rego.v1

import data.scs.lib.shown

known := {"encrypted", "replicated"}

looked_at(asked) := shown.looked_at(asked, "block-storage.type", {"is_public", "os-volume-type-access:is_public"})

# The aspects of each type that lists any, in its order. The list stands at the
# very beginning of the description; one without is free. Undefined where some types
# keep from a verdict.
aspects(asked) := {id: [trim_space(part) | some part in split(lists[0][1], ",")] |
	some id, found in offered
	lists := regex.find_all_string_submatch_n(`^\[scs:([^\[\]]+)\]`, sprintf("%v", [description(found)]), 1)
	count(lists) == 1
} if {
	offered := looked_at(asked)
	count(undescribed(offered, asked.parameters.mode)) == 0
}

# To the reference suite a type without that field has no description, as one that
# says null. Mode `strict` wants it said.
undescribed(_, "reference") := set()

undescribed(offered, "strict") := {id |
	some id, found in offered
	object.get(found.body, "description", "") != object.get(found.body, "description", null)
}

description(found) := object.get(found.body, "description", null)

# Why there is no verdict, where types lack what it needs.
lacking(asked) := sprintf("volume type `%v` has no field `description`", [object.get(offered[first].body, "name", null)]) if {
	offered := looked_at(asked)
	first := min(undescribed(offered, asked.parameters.mode))
}

# Whether some type has an aspect.
judge(asked, _) := {"verdict": "abort", "violations": set(), "reason": lacking(asked)}

judge(asked, aspect) := judgement(bearing, looked_at(asked), aspect) if {
	lists := aspects(asked)
	bearing := {id |
		some id, list in lists
		aspect in list
	}
}

judgement(bearing, _, _) := {"verdict": "pass", "violations": set()} if count(bearing) > 0

judgement(bearing, offered, aspect) := {"verdict": "fail", "violations": {{
	"message": sprintf("no volume type says that it is %s", [aspect]),
	"path": "",
	"found": sort([description(found) | some found in offered]),
	"wanted": sprintf("a description that begins with [scs:%s]", [aspect]),
}}} if {
	count(bearing) == 0
}
