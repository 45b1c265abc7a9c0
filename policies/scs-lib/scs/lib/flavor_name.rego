# The grammar of SCS flavor names (scs-0100), read in one place for all rules.
#
#   SCS-<cpus>{L|V|T|C}[i]-<RAM>[u][o][-[[<count>]x][<size>][n|h|s|p]]
#      [_<hypervisor>][_hwv][_<cpu>][_<gpu>][_ib]
#
# The spelling of scs-0100-v1 (`:` for `-`, `-` for `_`, no `chy`) is tolerated.
package scs.lib.flavor_name

import rego.v1

import data.scs.lib.utc

# What a flavor name promises:
#   {"scs": false}                        not an SCS name, promises nothing
#   {"scs": true, "errors": {text, ..}}   claims to be one and cannot be read
#   {"scs": true, "errors": set(), "cpus", "cpu_type", "ram" (GiB),
#    "disk": null | {"count", "size" (GB; null: up to the cloud), "type"}}
#
# Mode `reference` reads two corners as the reference suite does and `strict` as
# the text says: a GPU without unit count before `_ib` (only the text allows it)
# and a GPU speed flag without unit count (only the reference allows it).
parse(name, _) := {"scs": false} if not startswith(name, "SCS-")

parse(name, mode) := object.union({"scs": true}, read(segments, hypervisors, mode)) if {
	startswith(name, "SCS-")
	not contains(name, ":")
	segments := split(trim_prefix(name, "SCS-"), "_")
	hypervisors := {"bms", "chy", "hyv", "kvm", "vmw", "xen"}
}

parse(name, mode) := object.union({"scs": true}, read(segments, hypervisors, mode)) if {
	startswith(name, "SCS-")
	contains(name, ":")
	not contains(name, "_")
	segments := [replace(part, ":", "-") | some part in split(trim_prefix(name, "SCS-"), "-")]
	hypervisors := {"bms", "hyv", "kvm", "vmw", "xen"}
}

parse(name, _) := {"scs": true, "errors": {"`:` and `_` do not occur in one spelling"}} if {
	startswith(name, "SCS-")
	contains(name, ":")
	contains(name, "_")
}

read(segments, hypervisors, mode) := object.union(main, {"errors": errors}) if {
	main := main_part(segments[0])
	extensions := [x |
		some part in array.slice(segments, 1, count(segments))
		x := extension(part, hypervisors)
	]
	unreadable := {e | some x in extensions; some e in x.errors}
	misplaced := {e |
		some i, x in extensions
		some earlier in array.slice(extensions, 0, i)
		x.rank <= earlier.rank
		e := sprintf("`_%s` cannot follow `_%s`", [x.text, earlier.text])
	}
	errors := ((main.errors | unreadable) | misplaced) | gpu_quirks(extensions, mode)
}

# CPUs, RAM and disk.
main_part(text) := promise if {
	all_groups := regex.find_all_string_submatch_n(
		`^([0-9]+)([LVTC])(i?)-([0-9]*)(\.?)([0-9]*)(u?)(o?)(-([0-9]*x)?([0-9]*)([nhsp]?))?$`,
		text,
		1,
	)
	count(all_groups) == 1
	g := all_groups[0]
	cpus := utc.number(g[1])
	halves := trim_right(g[6], "0")
	ram := utc.number(g[4]) + object.get({"5": 0.5}, halves, 0)
	problems := [
		[cpus == 0, "the number of CPUs is not positive"],
		[ram == 0, "the RAM is not positive"],
		[count({halves} & {"", "5"}) == 0, "the RAM is no multiple of 0.5 GiB"],
		[number_or_null(trim_right(g[10], "x")) == 0, "the number of disks is not positive"],
		[number_or_null(g[11]) == 0, "the disk size is not positive"],
	]
	promise := {
		"cpus": cpus,
		"cpu_type": g[2],
		"ram": ram,
		"disk": disk(g[9], g[10], g[11], g[12]),
		"errors": {p[1] | some p in problems; p[0]},
	}
} else := {"errors": {sprintf("`%s` is not <cpus>{L|V|T|C}[i]-<RAM>[u][o][-<disk>]", [text])}}

disk("", _, _, _) := null

disk(part, times, size, type) := {
	"count": max({1, utc.number(trim_right(times, "x"))}),
	"size": number_or_null(size),
	"type": type,
} if {
	part != ""
}

number_or_null("") := null

number_or_null(digits) := utc.number(digits) if digits != ""

# One extension: its place in the fixed order, and what is wrong with it. An
# unknown one has no place.
extension(text, hypervisors) := {"text": text, "rank": 1, "errors": set()} if {
	text in hypervisors
} else := {"text": text, "rank": 2, "errors": set()} if {
	text == "hwv"
} else := {"text": text, "rank": 5, "errors": set()} if {
	text == "ib"
} else := {"text": text, "rank": 3, "errors": cpu_errors(text, groups[0])} if {
	groups := regex.find_all_string_submatch_n(`^([izar])([0-9]*)(h*)$`, text, 1)
	count(groups) == 1
} else := {"text": text, "rank": 4, "errors": gpu_errors(text, groups[0])} if {
	groups := gpu_groups(text)
	count(groups) == 1
} else := {"text": text, "errors": {sprintf("`_%s` is no known extension", [text])}}

newest_cpu := {"i": 6, "z": 6, "a": 5, "r": 0}

cpu_errors(text, g) := {p[1] | some p in problems; p[0]} if {
	problems := [
		[utc.number(g[2]) > newest_cpu[g[1]], sprintf("`_%s` names no known CPU generation", [text])],
		[count(g[3]) > 3, sprintf("`_%s` has more than `hhh`", [text])],
	]
}

# Brand, generation, unit count, its speed, VRAM, its speed.
gpu_groups(text) := regex.find_all_string_submatch_n(
	`^[Gg]([NAI])([^-h]*)(?:-([0-9]+))?(h*)(?:-([0-9]+)(h*))?$`,
	text,
	1,
)

gpu_generations := {
	"N": {"", "f", "k", "m", "p", "v", "t", "a", "l", "g", "b", "u"},
	"A": {"", "0.4", "0.5", "1", "1.1", "2", "2.1", "3", "3.1", "3.5", "4", "4.1", "5.1"},
	"I": {"", "0.9", "0.95", "1", "2", "3", "4"},
}

gpu_errors(text, g) := {p[1] | some p in problems; p[0]} if {
	problems := [
		[count({g[2]} & gpu_generations[g[1]]) == 0, sprintf("`_%s` names no known GPU generation", [text])],
		[number_or_null(g[3]) == 0, sprintf("`_%s` has no compute units", [text])],
		[number_or_null(g[5]) == 0, sprintf("`_%s` has no VRAM", [text])],
		[max({count(g[4]), count(g[6])}) > 2, sprintf("`_%s` has more than `hh`", [text])],
	]
}

# Where the text of the standard and the reference suite read a GPU differently.
gpu_quirks(extensions, "reference") := {e |
	some i, x in extensions
	x.rank == 4
	regex.match(`^[^-h]*$`, x.text)
	some next in array.slice(extensions, i + 1, count(extensions))
	e := sprintf("`_%s` without a unit count cannot precede `_%s`", [x.text, next.text])
}

gpu_quirks(extensions, "strict") := {e |
	some x in extensions
	x.rank == 4
	some g in gpu_groups(x.text)
	g[3] == ""
	g[4] != ""
	e := sprintf("`_%s` has a speed flag without a unit count", [x.text])
}
