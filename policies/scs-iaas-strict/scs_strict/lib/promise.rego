# What a flavor promises beyond CPUs, RAM and the size of its disk (scs-0100).
package scs_strict.lib.promise

import rego.v1

import data.scs.lib.flavor_name

name_key := `^scs:name-v[1-9][0-9]*$`

# The flavor's own name and those that its extra specs give it.
names(flavor) := {flavor.body.name} | {value |
	some key, value in flavor.body.extra_specs
	regex.match(name_key, key)
}

# {name: promise} of every name that is an SCS name and can be read, in the spelling
# of v2, so that a name in both spellings counts once. A promise is what
# scs.lib.flavor_name says, with `extensions` ({"hypervisor" | "hwv" | "cpu" | "gpu" |
# "ib": text}) and `ram_oversubscribed`. Undefined if a name is no text.
of(flavor) := promises if {
	is_object(flavor.body.extra_specs) == true
	given := names(flavor)
	spellings := {[name, spelling(name)] | some name in given}
	count(spellings) == count(given)
	all_names := {pair[1] | some pair in spellings}
	readings := {name: reading |
		some name in all_names
		reading := flavor_name.parse(name, "strict")
	}
	count(readings) == count(all_names)
	promises := {name: promise |
		some name, reading in readings
		reading.scs == true
		count(reading.errors) == 0
		promise := object.union(reading, {
			"extensions": extensions(name),
			"ram_oversubscribed": regex.match(`^SCS-[0-9]+[LVTC]i?-[0-9.]+u?o(-|$)`, parts(name)[0]),
		})
	}
}

# An SCS name in the spelling of v2; any other as it is.
spelling(name) := replace(replace(replace(name, "-", "_"), ":", "-"), "SCS_", "SCS-") if {
	regex.match(`^SCS-[^_:]*:[^_]*$`, name)
} else := name if {
	is_string(name) == true
}

# A name cut at its extensions.
parts(name) := split(name, "_")

extensions(name) := {kind: text |
	all_parts := parts(name)
	some text in array.slice(all_parts, 1, count(all_parts))
	some kind, form in forms
	regex.match(form, text)
}

forms := {
	"hypervisor": `^(kvm|chy|xen|vmw|hyv|bms)$`,
	"hwv": `^hwv$`,
	"cpu": `^[izar][0-9]*h*$`,
	"gpu": `^[Gg][NAI]`,
	"ib": `^ib$`,
}

# Whether one of the extra specs, written `<key>=<value>`, is set on the flavor.
shown(flavor, specs) := true if {
	set_ones := {sprintf("%s=%v", [key, value]) | some key, value in flavor.body.extra_specs}
	count(set_ones & {spec | some spec in specs}) > 0
} else := false
