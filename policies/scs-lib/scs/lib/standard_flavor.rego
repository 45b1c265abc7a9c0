# Whether a cloud offers a flavor that scs-0103 describes.
package scs.lib.standard_flavor

import rego.v1

import data.scs.lib.flavor

# {"verdict", "violations", "reason"?} on a collection of flavors, given the
# values of one standard flavor.
#
# The flavor is the one whose extra spec `scs:name-v2` has the name, otherwise
# the one called so. Should several claim the name and only some be right, the
# reference suite answers by the order of its listing: no answer here in mode
# `reference`, a fail in mode `strict`.
judge(asked, spec) := judgement(faults, spec, asked.parameters.mode) if {
	listed := asked.resources["compute.flavor"]
	scopes := {id: looked_at |
		some id, f in listed
		looked_at := flavor.in_scope(f, asked.parameters.mode)
		is_boolean(looked_at)
	}
	count(scopes) == count(listed)
	offered := {id: listed[id] | some id, looked_at in scopes; looked_at == true}
	wanted := spec.extra_specs["scs:name-v2"]
	labelled := {id |
		some id, f in offered
		object.get(f.body.extra_specs, "scs:name-v2", null) == wanted
	}
	named := {id |
		some id, f in offered
		f.body.name == wanted
	}
	faults := {id: violations(offered[id], spec, asked.parameters.mode) |
		some id in first_of(labelled, named)
	}
}

first_of(set_a, set_b) := set_a if {
	count(set_a) > 0
} else := set_b

judgement(faults, spec, _) := {"verdict": "fail", "violations": {missing(spec)}} if count(faults) == 0

judgement(faults, _, _) := {"verdict": "pass", "violations": set()} if {
	count(faults) > 0
	count(right(faults)) == count(faults)
}

judgement(faults, _, mode) := {"verdict": "fail", "violations": union({v | some v in faults})} if {
	count(faults) > count(right(faults))
	strict := mode == "strict"
	hopeless := count(right(faults)) == 0
	true in {strict, hopeless}
}

judgement(faults, spec, "reference") := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("%d flavors claim to be `%s`, and only %d are right", [
		count(faults),
		spec.extra_specs["scs:name-v2"],
		count(right(faults)),
	]),
} if {
	count(faults) > count(right(faults))
	count(right(faults)) > 0
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
	fields := {violation(found, sprintf("/%s", [field]), field, found.body[field], spec[field]) |
		some field in ["vcpus", "ram", "disk"]
		found.body[field] != spec[field]
	}
	specs := {violation(found, sprintf("/extra_specs/%s", [key]), key, actual, value) |
		some key, value in spec.extra_specs
		actual := object.get(found.body.extra_specs, key, null)
		actual != value
	}
}

# The text wants no disk type on a flavor without a disk; the reference suite
# does not look.
stray_disk_type(_, _, "reference") := set()

stray_disk_type(found, spec, "strict") := {violation(found, "/extra_specs/scs:disk0-type", "scs:disk0-type", actual, null) |
	spec.disk == 0
	actual := object.get(found.body.extra_specs, "scs:disk0-type", null)
	actual != null
}

violation(found, path, what, actual, wanted) := {
	"resource": found.key,
	"message": sprintf("flavor `%s`: `%s` is %s, must be %s", [found.body.name, what, shown(actual), shown(wanted)]),
	"path": path,
	"found": actual,
	"wanted": wanted,
}

shown(null) := "absent"

shown(value) := sprintf("`%v`", [value]) if value != null
