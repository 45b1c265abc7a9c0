# Whether a cloud offers a flavor that scs-0103 describes.
package scs.lib.standard_flavor

import rego.v1

import data.scs.lib.shown

# {"verdict", "violations", "reason"?} on a collection of flavors, given the values of
# one standard flavor.
#
# The flavor is the one whose extra spec `scs:name-v2` has the name, otherwise
# the one called so. Should several claim the name, the reference suite keeps the
# last that Nova lists, which is by id; mode `strict` wants all of them right,
# since users cannot tell which one is meant.
#
# Sizes that are absent count as 0 and extra specs that are absent as none in mode
# `reference`, since that is what the client of the reference suite makes of them; mode
# `strict` decides nothing without them.
judge(asked, _) := unread(offered[first]) if {
	offered := shown.looked_at(asked, "compute.flavor", {"os-flavor-access:is_public"})
	first := min(unreadable(offered, asked.parameters.mode))
}

judge(asked, spec) := decided(faults, spec, asked.parameters.mode) if {
	offered := shown.looked_at(asked, "compute.flavor", {"os-flavor-access:is_public"})
	count(unreadable(offered, asked.parameters.mode)) == 0
	wanted := spec.extra_specs["scs:name-v2"]
	labelled := {id: f |
		some id, f in offered
		object.get(specs_of(f), "scs:name-v2", null) == wanted
	}
	named := {id: f |
		some id, f in offered
		f.body.name == wanted
	}
	faults := {id: violations(f, spec, asked.parameters.mode) | some id, f in first_of(labelled, named)}
}

specs_of(flavor) := object.get(flavor.body, "extra_specs", {})

# The flavors that cannot be told from the standard one, nor that they are it.
unreadable(offered, "reference") := strange_specs(offered)

unreadable(offered, "strict") := {id |
	some id, f in offered
	count([field | some field in needed; object.get(f.body, field, null) == null]) > 0
} | strange_specs(offered)

strange_specs(offered) := {id | some id, f in offered; is_object(specs_of(f)) == false}

needed := ["vcpus", "ram", "disk", "extra_specs"]

unread(flavor) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("flavor `%v` lacks sizes or extra specs: vcpus %v, ram %v, disk %v, extra_specs %v", array.concat(
		[flavor.body.name],
		[object.get(flavor.body, field, "absent") | some field in needed],
	)),
}

first_of(some_flavors, others) := some_flavors if {
	count(some_flavors) > 0
} else := others

decided(faults, spec, "strict") := judgement(faults, spec)

decided(faults, spec, "reference") := judgement({id: faults[id] | some id in [order[count(order) - 1]]}, spec) if {
	in_doubt(faults) == false
	order := shown.flavor_order(faults)
	count(order) > 0
}

decided(faults, spec, "reference") := judgement(faults, spec) if count(faults) == 0

decided(faults, spec, "reference") := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("several flavors claim to be `%s`, not all are right, and without ids nobody knows which is listed last", [spec.extra_specs["scs:name-v2"]]),
} if {
	in_doubt(faults) == true
}

# Whether it matters which of the flavors is the last, and that is not known.
in_doubt(faults) := {mixed, unplaced} == {true} if {
	good := count(right(faults))
	mixed := {good > 0, good < count(faults)} == {true}
	unplaced := count({id | some id, _ in faults; shown.made_up(id) == true}) > 0
}

judgement(faults, spec) := {"verdict": "fail", "violations": {missing(spec)}} if count(faults) == 0

judgement(faults, _) := {"verdict": "pass", "violations": set()} if {
	count(faults) > 0
	count(right(faults)) == count(faults)
}

judgement(faults, _) := {"verdict": "fail", "violations": union({v | some v in faults})} if {
	count(faults) > count(right(faults))
}

right(faults) := {id | some id, found in faults; count(found) == 0}

missing(spec) := {
	"message": sprintf(
		"no flavor `%s`; create it: openstack flavor create --public --vcpus %d --ram %d --disk %d %s %s",
		[name, spec.vcpus, spec.ram, spec.disk, properties, name],
	),
	"path": "",
	"found": null,
	"wanted": object.union({"name": name}, spec),
} if {
	name := spec.extra_specs["scs:name-v2"]
	properties := concat(" ", [sprintf("--property %s=%s", [k, v]) | some k, v in spec.extra_specs])
}

# Everything in one flavor that differs from the standard.
violations(found, spec, mode) := (fields | specs) | stray_disk_type(found, spec, mode) if {
	fields := {violation(found, sprintf("/%s", [field]), field, object.get(found.body, field, null), spec[field]) |
		some field in ["vcpus", "ram", "disk"]
		object.get(found.body, field, 0) != spec[field]
	}
	specs := {violation(found, sprintf("/extra_specs/%s", [key]), key, actual, value) |
		some key, value in spec.extra_specs
		actual := object.get(specs_of(found), key, null)
		count({actual} & allowed(key, value, mode)) == 0
	}
}

# The text leaves the type of a network disk to the cloud; the suite does not.
allowed("scs:disk0-type", "network", "strict") := {"hdd", "network", "nvme", "ssd"}

allowed(_, value, "reference") := {value}

allowed(key, value, "strict") := {value} if [key, value] != ["scs:disk0-type", "network"]

# The text wants no disk type on a flavor without a disk; the reference suite
# does not look.
stray_disk_type(_, _, "reference") := set()

stray_disk_type(found, spec, "strict") := {violation(found, "/extra_specs/scs:disk0-type", "scs:disk0-type", actual, null) |
	spec.disk == 0
	actual := object.get(specs_of(found), "scs:disk0-type", null)
	actual != null
}

violation(found, path, what, actual, wanted) := {
	"resource": found.key,
	"message": sprintf("flavor `%s`: `%s` is %s, must be %s", [found.body.name, what, spelt(actual), spelt(wanted)]),
	"path": path,
	"found": actual,
	"wanted": wanted,
}

spelt(null) := "absent"

spelt(value) := sprintf("`%v`", [value]) if value != null
