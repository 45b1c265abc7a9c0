# METADATA
# title: Flavors have what their SCS- name promises
# description: >-
#   CPUs, RAM (51 MiB may be missing) and disk are at least what the name says. CPU type,
#   number and type of disks, and extensions are not seen in a flavor and not judged.
# scope: package
# custom:
#   id: scs-0100-semantics-check
#   severity: high
#   input: resource
#   kinds: [compute.flavor]
#   visibility: member
#   requires:
#     compute.flavor: [/name, /vcpus, /ram, /disk]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming
#   remediation: >-
#     Nova cannot change a flavor: create one with the vCPUs, RAM and disk that the name
#     promises, or with a name that promises what this one has, and delete this one.
#   parameters:
#     mode: reference
package scs.scs_0100.semantics_check

import rego.v1

import data.scs.lib.flavor
import data.scs.lib.flavor_name

body := input.resource.body

in_scope := flavor.in_scope(input.resource, input.parameters.mode)

promise := flavor_name.parse(body.name, input.parameters.mode)

# A name that cannot be read promises nothing; scs-0100-syntax-check reports it.
promises := in_scope if {
	promise.scs == true
	count(promise.errors) == 0
} else := false if {
	is_boolean(in_scope)
	is_object(promise)
}

sizeless if {
	promises == true
	promise.disk != null
	promise.disk.size == null
}

# The reference suite breaks off at a disk without a size. The text leaves the
# size to the cloud, so any will do.
verdict := "abort" if {
	input.parameters.mode == "reference"
	sizeless
}

reason := sprintf("flavor `%s`: the reference suite cannot judge a disk without a size", [body.name]) if {
	verdict == "abort"
}

verdict := "pass" if promises == false

verdict := "pass" if {
	judged
	count(short) == 0
}

verdict := "fail" if {
	judged
	count(short) > 0
}

# With anything but numbers there is no verdict.
judged if {
	promises == true
	numbers
	input.parameters.mode == "strict"
}

judged if {
	promises == true
	numbers
	not sizeless
}

numbers if {
	is_number(body.vcpus) == true
	is_number(body.ram) == true
	is_number(body.disk) == true
}

# Each part of the promise: [field, unit, found, wanted, whether kept]. RAM is
# compared in tenths of a GiB, as the reference suite rounds it.
parts := [
	["vcpus", "vCPUs", body.vcpus, promise.cpus, body.vcpus >= promise.cpus],
	["ram", "MiB of RAM", body.ram, promise.ram * 1024, floor(((body.ram + 51) * 10) / 1024) >= promise.ram * 10],
	["disk", "GB of disk", body.disk, disk_size, body.disk >= disk_size],
] if {
	judged
}

disk_size := 0 if promise.disk == null

disk_size := promise.disk.size if promise.disk.size != null

disk_size := 0 if sizeless

short contains part if {
	some part in parts
	part[4] == false
}

violations contains {
	"message": sprintf("flavor `%s` has %v %s and promises %v", [body.name, part[2], part[1], part[3]]),
	"path": sprintf("/%s", [part[0]]),
	"found": part[2],
	"wanted": part[3],
} if {
	verdict == "fail"
	some part in short
}
