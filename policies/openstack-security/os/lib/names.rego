# Lists of names in parameters.
package os.lib.names

import rego.v1

# Whether a name is in a list of names and patterns with `*`.
listed(patterns, name) if {
	some pattern in patterns
	glob.match(pattern, null, name)
}
