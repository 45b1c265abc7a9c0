# An image property whose value, if any, has to be one of a vocabulary.
package scs_strict.lib.image

import rego.v1

import data.scs.lib.image

ok(resource, name, vocabulary) := true if {
	found := image.property(resource, name)
	found in {word | some word in vocabulary}
} else := false
