# METADATA
# title: The disk type and number that a flavor's name promises are true
# description: >-
#   scs-0100-v3, "Disk sizes and types" and "Naming policy compliance". The extra spec
#   `scs:disk0-type` must not contradict the name, and a flavor with several disks must
#   have the room for them. What kind of medium there is, and whether several are
#   independent, is not in any API: unless an extra spec named in `evidence` has the
#   scheduler choose such hosts, there is no verdict.
# scope: package
# custom:
#   id: scs-strict-0100-disk
#   severity: medium
#   input: resource
#   kinds: [compute.flavor]
#   requires:
#     compute.flavor: [/name, /disk, /extra_specs]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming#optional-disk-sizes-and-types
#   remediation: >-
#     Let the scheduler choose hosts that have the disk: openstack flavor set --property
#     trait:STORAGE_DISK_SSD=required <flavor>. Where the promise is untrue, create a
#     flavor with another name and delete this one.
#   parameters:
#     evidence:
#       h: ["trait:STORAGE_DISK_HDD=required"]
#       s: ["trait:STORAGE_DISK_SSD=required"]
package scs_strict.scs_0100.disk

import rego.v1

import data.scs_strict.lib.promise
import data.scs_strict.lib.tally

body := input.resource.body

promises := promise.of(input.resource)

# Types that keep a promise: a better one does. Only network storage can follow a
# server, so nothing stands in for it.
keeps := {
	"n": {"network"},
	"h": {"hdd", "ssd", "nvme"},
	"s": {"ssd", "nvme"},
	"p": {"nvme"},
}

answers[name] := answer(name, p) if some name, p in promises

answer(_, p) := {"wrong": set(), "unknown": set()} if p.disk == null

answer(name, p) := {
	"wrong": wrong_type(name, p) | too_small(name, p),
	"unknown": unknown_type(name, p) | unknown_count(name, p),
} if {
	p.disk != null
	is_number(local) == true
}

stated := object.get(body.extra_specs, "scs:disk0-type", null)

wrong_type(name, p) := {v |
	stated != null
	some letter, types in keeps
	letter == p.disk.type
	count({stated} & types) == 0
	v := {
		"message": sprintf(
			"flavor `%s`: `scs:disk0-type` is `%v`, and the name `%s` promises %s",
			[body.name, stated, name, concat(" or ", types)],
		),
		"path": "/extra_specs/scs:disk0-type",
		"found": stated,
		"wanted": concat(" or ", types),
	}
}

unknown_type(name, p) := {text |
	p.disk.type != ""
	promise.shown(input.resource, object.get(input.parameters.evidence, p.disk.type, [])) == false
	text := sprintf(
		"flavor `%s`: no API shows whether `%s` has the disk type `%s` it promises",
		[body.name, name, p.disk.type],
	)
}

# On bare metal the flavor shows the root disk only.
bare(p) := object.get(p.extensions, "hypervisor", "") == "bms"

local := body.disk + object.get(body, "OS-FLV-EXT-DATA:ephemeral", 0)

too_small(name, p) := {v |
	p.disk.count > 1
	p.disk.size != null
	bare(p) == false
	local < p.disk.count * p.disk.size
	v := {
		"message": sprintf(
			"flavor `%s` has %v GB of disk and ephemeral disk, and the name `%s` promises %d times %d",
			[body.name, local, name, p.disk.count, p.disk.size],
		),
		"path": "/OS-FLV-EXT-DATA:ephemeral",
		"found": local,
		"wanted": p.disk.count * p.disk.size,
	}
}

unknown_count(name, p) := {text |
	p.disk.count > 1
	text := sprintf(
		"flavor `%s`: no API shows whether `%s` has %d independent disks",
		[body.name, name, p.disk.count],
	)
}

verdict := tally.verdict(answers, count(promises))

reason := tally.reason(answers) if verdict == "abort"

violations contains v if {
	verdict == "fail"
	some v in tally.wrong(answers)
}
