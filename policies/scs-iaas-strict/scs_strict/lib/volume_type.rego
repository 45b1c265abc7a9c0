# What a volume type advertises (scs-0114).
package scs_strict.lib.volume_type

import rego.v1

# The aspects that its description begins with.
aspects(type) := {trim_space(part) |
	some found in regex.find_all_string_submatch_n(`^\[scs:([^\[\]]+)\]`, sprintf("%v", [type.body.description]), 1)
	some part in split(found[1], ",")
}
