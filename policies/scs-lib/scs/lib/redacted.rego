# What can be said of texts from which secrets were taken out when they were collected.
#
# In the place of a secret, or of the whole text with it, stands `[redacted:…]`.
package scs.lib.redacted

import rego.v1

# Whether nobody knows if a text begins in one of some ways, since it does up to where
# something was taken out. False for what is no text.
hides(text, beginnings) := count(open) > 0 if {
	parts := split(sprintf("%v", [text]), "[redacted")
	count(parts) > 1
	open := {beginning |
		some beginning in beginnings
		startswith(beginning, parts[0])
		beginning != parts[0]
	}
}

hides(text, _) := false if count(split(sprintf("%v", [text]), "[redacted")) == 1

# The reason for an abort.
reason(thing, field) := sprintf("%s: `%s` held a secret, which was not stored, and without it cannot be judged", [thing, field])
