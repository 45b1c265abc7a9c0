# Options in configuration files as oslo.config reads them.
package scs.lib.oslo

import rego.v1

# The file of a service; undefined if it was not given.
file(asked, service, name) := found if {
	some found in asked.resources["config.oslo"]
	found.body.service == service
	found.body.file == name
}

# The last value of an option, null where it is not set. Undefined if it cannot be
# read.
value(found, section, option) := last if {
	is_object(found.body.sections) == true
	all_values := object.get(found.body.sections, [section, option], [null])
	last := all_values[count(all_values) - 1]
}

# true or false as oslo.config reads it, null for anything else.
boolean(text) := true if {
	lower(sprintf("%v", [text])) in {"true", "1", "on", "yes"}
} else := false if {
	lower(sprintf("%v", [text])) in {"false", "0", "off", "no"}
} else := null
