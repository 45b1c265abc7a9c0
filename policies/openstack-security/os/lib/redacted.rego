# What the collector puts in the place of secrets: `[redacted…]`.
package os.lib.redacted

import rego.v1

import data.os.lib.names

# Whether a member held one. Names in `exempt` (patterns) do not count.
secret(key, value, exempt) if {
	startswith(value, "[redacted")
	not names.listed(exempt, key)
}
