# Whether a cloud offers a flavor that scs-0103 describes.
package scs.lib.standard_flavor

import rego.v1

import data.scs.lib.shown

# {"verdict", "violations"} on a collection of flavors, given the values of one
# standard flavor.
#
# The flavor is the one whose extra spec `scs:name-v2` has the name, otherwise
# the one called so. Should several claim the name, the reference suite keeps the
# last that Nova lists, which is by id; mode `strict` wants all of them right,
# since users cannot tell which one is meant.
judge(asked, spec) := judgement(faults, spec) if {
	offered := shown.looked_at(asked, "compute.flavor", "os-flavor-access:is_public")
	wanted := spec.extra_specs["scs:name-v2"]
	labelled := {id: f |
		some id, f in offered
		object.get(f.body.extra_specs, "scs:name-v2", null) == wanted
	}
	named := {id: f |
		some id, f in offered
		f.body.name == wanted
	}
	faults := {id: violations(offered[id], spec, asked.parameters.mode) |
		some id in chosen(first_of(labelled, named), asked.parameters.mode)
	}
}

first_of(some_flavors, others) := some_flavors if {
	count(some_flavors) > 0
} else := others

chosen(claimants, "strict") := {id | some id, _ in claimants}

chosen(claimants, "reference") := {order[count(order) - 1]} if {
	order := shown.flavor_order(claimants)
	count(order) > 0
}

chosen(claimants, "reference") := set() if count(claimants) == 0

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
	fields := {violation(found, sprintf("/%s", [field]), field, found.body[field], spec[field]) |
		some field in ["vcpus", "ram", "disk"]
		found.body[field] != spec[field]
	}
	specs := {violation(found, sprintf("/extra_specs/%s", [key]), key, actual, value) |
		some key, value in spec.extra_specs
		actual := object.get(found.body.extra_specs, key, null)
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
	actual := object.get(found.body.extra_specs, "scs:disk0-type", null)
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
