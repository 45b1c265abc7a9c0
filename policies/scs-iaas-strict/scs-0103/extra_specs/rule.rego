# METADATA
# title: What the extra specs of a flavor say with `scs:` holds
# description: >-
#   scs-0103-v1, "Properties": on whatever flavor they stand, `scs:name-vN` has to be an
#   SCS name whose vCPUs, RAM and disk the flavor has, `scs:cpu-type` one of four values
#   and `scs:diskN-type` one of four. Whether hosts and disks keep the promise is for the
#   rules on scs-0100.
# scope: package
# custom:
#   id: scs-strict-0103-extra-specs
#   severity: medium
#   input: resource
#   kinds: [compute.flavor]
#   requires:
#     compute.flavor: [/name, /vcpus, /ram, /disk, /extra_specs]
#   standard: https://docs.scs.community/standards/scs-0103-v1-standard-flavors#properties-extra_specs
#   remediation: >-
#     Correct the extra spec, or take it away: openstack flavor set --property
#     <key>=<value> <flavor>; openstack flavor unset --property <key> <flavor>.
package scs_strict.scs_0103.extra_specs

import rego.v1

import data.scs.lib.flavor_name

body := input.resource.body

specs := body.extra_specs

readable if {
	is_number(body.vcpus) == true
	is_number(body.ram) == true
	is_number(body.disk) == true
	is_object(specs) == true
}

# {key: what the name in it promises}
named := {key: promise |
	some key, value in specs
	regex.match(`^scs:name-v[1-9][0-9]*$`, key)
	is_string(value) == true
	promise := flavor_name.parse(value, "strict")
}

names := {key | some key, _ in specs; regex.match(`^scs:name-v[1-9][0-9]*$`, key)}

problems contains violation(key, "which is no name of scs-0100", "an SCS name") if {
	some key, promise in named
	promise.scs == false
}

problems contains violation(key, sprintf("which is no name of scs-0100: %s", [concat(", ", sort(promise.errors))]), "an SCS name") if {
	some key, promise in named
	promise.scs == true
	count(promise.errors) > 0
}

# RAM may be 51 MiB short, as scs-0100-semantics-check has it.
problems contains violation(key, sprintf("and the flavor has %v %s", [part[1], part[0]]), "a name that promises at most that") if {
	some key, promise in named
	promise.scs == true
	count(promise.errors) == 0
	some part in [
		["vCPUs", body.vcpus, promise.cpus],
		["MiB of RAM", body.ram, (promise.ram * 1024) - 51],
		["GB of disk", body.disk, disk_size(promise.disk)],
	]
	part[1] < part[2]
}

disk_size(null) := 0

disk_size(disk) := 0 if disk.size == null

disk_size(disk) := disk.size if disk.size != null

cpu_types := ["crowded-core", "shared-core", "dedicated-thread", "dedicated-core"]

problems contains violation("scs:cpu-type", sprintf("not one of %s", [concat(", ", cpu_types)]), cpu_types) if {
	some key, value in specs
	key == "scs:cpu-type"
	count({value} & {t | some t in cpu_types}) == 0
}

disk_types := ["ssd", "nvme", "hdd", "network"]

problems contains violation(key, sprintf("not one of %s", [concat(", ", disk_types)]), disk_types) if {
	some key, value in specs
	regex.match(`^scs:disk[0-9]+-type$`, key)
	count({value} & {t | some t in disk_types}) == 0
}

violation(key, says, wanted) := {
	"message": sprintf("flavor `%s`: `%s` is `%v`, %s", [body.name, key, specs[key], says]),
	"path": sprintf("/extra_specs/%s", [key]),
	"found": specs[key],
	"wanted": wanted,
}

judged if {
	readable
	count(named) == count(names)
}

verdict := "pass" if {
	judged
	count(problems) == 0
}

verdict := "fail" if {
	judged
	count(problems) > 0
}

violations contains v if {
	verdict == "fail"
	some v in problems
}
