# METADATA
# title: Servers run on the hypervisor that a flavor's name promises
# description: >-
#   scs-0100-v3, "Hypervisor". Every compute host on which a flavor can start has to be of
#   the type promised. Nova calls both KVM and plain emulation `QEMU`, so that this is
#   taken for KVM.
# scope: package
# custom:
#   id: scs-strict-0100-hypervisor
#   severity: medium
#   input: collection
#   kinds: [compute.flavor, compute.hypervisor]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#     compute.hypervisor: [/hypervisor_type]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming#optional-hypervisor
#   remediation: >-
#     Bind the flavor to hosts of the type: openstack flavor set --property
#     capabilities:hypervisor_type=QEMU <flavor>. Where there are none, create a flavor
#     with another name and delete this one.
package scs_strict.scs_0100.hypervisor

import rego.v1

import data.scs_strict.lib.promise
import data.scs_strict.lib.tally

flavors := input.resources["compute.flavor"]

# What Nova calls them, in lower case.
types := {
	"kvm": {"qemu", "kvm"},
	"xen": {"xen", "xenserver"},
	"vmw": {"vmware vcenter server", "vmware"},
	"hyv": {"hyperv", "hyper-v"},
	"chy": {"ch", "cloud-hypervisor"},
	"bms": {"ironic"},
}

found contains lower(sprintf("%v", [h.body.hypervisor_type])) if {
	some h in input.resources["compute.hypervisor"]
}

answers[id] := {"wrong": wrong, "unknown": unknown} if {
	some id, flavor in flavors
	promises := promise.of(flavor)
	verdicts := {[name, wanted, judged] |
		some name, p in promises
		wanted := p.extensions.hypervisor
		judged := judge(flavor, wanted)
	}
	count(verdicts) == count([1 | some _, p in promises; p.extensions.hypervisor])
	wrong := {violation(flavor, v[0], v[1]) | some v in verdicts; v[2] == "wrong"}
	unknown := {text |
		some v in verdicts
		v[2] == "unknown"
		text := sprintf(
			"flavor `%s`: it is not shown on which hypervisor `%s` starts",
			[flavor.body.name, v[0]],
		)
	}
}

# Virtual machines cannot start on bare metal nodes, which offer no vCPUs, and a
# flavor of bare metal asks for none.
others(wanted) := found - types[wanted] if wanted == "bms"

others(wanted) := (found - types[wanted]) - types.bms if wanted != "bms"

bound(flavor) := lower(trim_space(trim_prefix(trim_space(trim_prefix(value, "s==")), "=="))) if {
	value := object.get(flavor.body.extra_specs, "capabilities:hypervisor_type", "")
}

judge(flavor, wanted) := "unknown" if count(found) == 0

judge(flavor, wanted) := "wrong" if {
	count(found) > 0
	count(found & types[wanted]) == 0
}

judge(flavor, wanted) := "right" if {
	count(found & types[wanted]) > 0
	count(others(wanted)) == 0
}

judge(flavor, wanted) := judge_bound(flavor, wanted) if {
	count(found & types[wanted]) > 0
	count(others(wanted)) > 0
}

judge_bound(flavor, wanted) := "right" if {
	wanted == "bms"
	object.get(flavor.body.extra_specs, "resources:VCPU", "") == "0"
} else := "right" if {
	count({bound(flavor)} & types[wanted]) > 0
} else := "wrong" if {
	count({bound(flavor)} - {""}) > 0
} else := "unknown" if {
	some key, _ in flavor.body.extra_specs
	regex.match(`^(trait|aggregate_instance_extra_specs):`, key)
} else := "wrong"

violation(flavor, name, wanted) := {
	"resource": flavor.key,
	"message": sprintf(
		"flavor `%s`: `%s` promises the hypervisor `%s`, and it can start on %s",
		[flavor.body.name, name, wanted, concat(", ", sort(found))],
	),
	"path": "/name",
	"found": sort(found),
	"wanted": sort(types[wanted]),
}

verdict := tally.verdict(answers, count(flavors))

reason := tally.reason(answers) if verdict == "abort"

violations contains v if {
	verdict == "fail"
	some v in tally.wrong(answers)
}
