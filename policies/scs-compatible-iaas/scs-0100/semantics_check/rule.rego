# METADATA
# title: Flavors have what their SCS- name promises
# description: >-
#   CPUs, RAM (51 MiB may be missing) and disk are at least what the name says. CPU type,
#   number and type of disks, and extensions are not seen in a flavor and not judged.
# scope: package
# custom:
#   id: scs-0100-semantics-check
#   severity: high
#   input: collection
#   kinds: [compute.flavor, identity.token]
#   visibility: member
#   requires:
#     compute.flavor: [/name]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming
#   remediation: >-
#     Nova cannot change a flavor: create one with the vCPUs, RAM and disk that the name
#     promises, or with a name that promises what this one has, and delete this one.
#   parameters:
#     mode: reference
package scs.scs_0100.semantics_check

import rego.v1

import data.scs.lib.flavor_name
import data.scs.lib.redacted
import data.scs.lib.shown

mode := input.parameters.mode

offered := shown.looked_at(input, "compute.flavor", {"os-flavor-access:is_public"})

promises := {id: promise |
	some id, flavor in offered
	promise := flavor_name.parse(flavor.body.name, mode)
}

# A name that cannot be read promises nothing; scs-0100-syntax-check reports it.
promising := {id: promise |
	some id, promise in promises
	promise.scs == true
	count(promise.errors) == 0
}

sizeless := {id |
	some id, promise in promising
	promise.disk != null
	promise.disk.size == null
}

# The reference suite breaks off at a disk without a size, whatever the other
# flavors are like. The text leaves the size to the cloud, so any will do.
broken_off := sizeless if mode == "reference"

broken_off := set() if mode == "strict"

# Each part of a promise: [field, unit, found, wanted, whether kept]. RAM is
# compared in tenths of a GiB, as the reference suite rounds it. Without an
# entry where a value is no number.
parts := {id: compared |
	some id, promise in promising
	body := offered[id].body
	vcpus := size(body, "vcpus", mode)
	ram := size(body, "ram", mode)
	gigabytes := size(body, "disk", mode)
	count([n | some n in [vcpus, ram, gigabytes]; is_number(n)]) == 3
	disk := promised_disk(promise.disk)
	compared := [
		["vcpus", "vCPUs", vcpus, promise.cpus, vcpus >= promise.cpus],
		["ram", "MiB of RAM", ram, promise.ram * 1024, floor(((ram + 51) * 10) / 1024) >= promise.ram * 10],
		["disk", "GB of disk", gigabytes, disk, gigabytes >= disk],
	]
}

# The client of the reference suite makes 0 of a size that is absent.
size(body, field, "reference") := object.get(body, field, 0)

size(body, field, "strict") := body[field]

promised_disk(null) := 0

promised_disk(disk) := disk.size if disk.size != null

promised_disk(disk) := 0 if {
	disk != null
	disk.size == null
}

short contains [id, part] if {
	some id, compared in parts
	some part in compared
	part[4] == false
}

# With anything but numbers there is no verdict.
complete if {
	count(promises) == count(offered)
	count(parts) == count(promising)
	count(broken_off) == 0
}

# Names of which a secret was taken out that may begin with SCS-.
hidden := {id | some id, flavor in offered; redacted.hides(flavor.body.name, {"SCS-"}) == true}

verdict := "pass" if {
	complete
	count(short) == 0
	count(hidden) == 0
}

verdict := "fail" if {
	complete
	count(short) > 0
}

verdict := "abort" if {
	count(promises) == count(offered)
	count(broken_off) > 0
}

verdict := "abort" if {
	complete
	count(short) == 0
	count(hidden) > 0
}

reason := sprintf("the reference suite cannot judge a disk without a size, such as that of flavor `%s`", [offered[min(broken_off)].body.name]) if {
	verdict == "abort"
}

reason := redacted.reason(sprintf("flavor %s", [offered[min(hidden)].key]), "name") if {
	verdict == "abort"
	count(broken_off) == 0
}

violations contains {
	"resource": offered[id].key,
	"message": sprintf("flavor `%s` has %s %s and promises %v", [
		offered[id].body.name,
		amount(object.get(offered[id].body, part[0], null)),
		part[1],
		part[3],
	]),
	"path": sprintf("/%s", [part[0]]),
	"found": object.get(offered[id].body, part[0], null),
	"wanted": part[3],
} if {
	verdict == "fail"
	some [id, part] in short
}

amount(null) := "no"

amount(number) := sprintf("%v", [number]) if number != null
