# METADATA
# title: CPUs are not oversubscribed beyond what flavors promise
# description: >-
#   scs-0100-v3, "CPU Suffixes" and "Naming policy compliance". On the hosts where a flavor
#   can start, `V` (shared-core) bears 5 vCPUs per core, or 3 per thread where SMT is on,
#   `T` (dedicated-thread) 1 per thread and `C` (dedicated-core) 1 per core, unless the
#   flavor pins its CPUs; `L` bears any number. Placement counts threads and shows SMT as
#   a trait. The text lets management of the load stand in for the limit of `V`: where
#   there is some, set `workload_management`, and there is no verdict instead of a fail.
# scope: package
# custom:
#   id: scs-strict-0100-cpu-oversubscription
#   severity: high
#   input: collection
#   kinds: [compute.flavor, placement.inventory, placement.trait, placement.resource_provider]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#     placement.inventory: [/inventories]
#     placement.trait: [/traits]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming#required-cpu-suffixes
#   remediation: >-
#     Lower the ratio on the host (openstack resource provider inventory set --amend
#     --resource VCPU:allocation_ratio=3 <provider>, and `cpu_allocation_ratio` in
#     nova.conf), or name the flavors with `L`.
#   parameters:
#     workload_management: false
package scs_strict.scs_0100.cpu_oversubscription

import rego.v1

import data.scs_strict.lib.host
import data.scs_strict.lib.promise
import data.scs_strict.lib.tally

flavors := input.resources["compute.flavor"]

hosts := host.all(input)

inventories := input.resources["placement.inventory"]

letters := {"crowded-core": "L", "shared-core": "V", "dedicated-thread": "T", "dedicated-core": "C"}

# {id: promised CPU types} of each flavor, `L` left out: it promises nothing.
promised := {id: types |
	some id, flavor in flavors
	promises := promise.of(flavor)
	named := {p.cpu_type | some p in promises}
	word := object.get(flavor.body.extra_specs, "scs:cpu-type", "")
	stated := {letters[known] | some known, _ in letters; known == word}
	types := (named | stated) - {"L"}
}

# Flavors that ask the same of a host are judged once: [wanted and unwanted traits,
# CPU type, CPU policy, thread policy, whether bound to some hosts].
groups := {group |
	some id, types in promised
	some type in types
	group := group_of(flavors[id], type)
}

group_of(flavor, type) := [
	host.wants(flavor),
	type,
	object.get(flavor.body.extra_specs, "hw:cpu_policy", "shared"),
	object.get(flavor.body.extra_specs, "hw:cpu_thread_policy", "prefer"),
	host.bound(flavor),
]

# {group: names of its flavors}
names_of[group] contains flavors[id].body.name if {
	some id, types in promised
	some type in types
	group := group_of(flavors[id], type)
}

# Hosts that can bear such a server at all.
places(group) := {id |
	some id in host.candidates(hosts, group[0])
	class := {"dedicated": "PCPU"}
	is_object(inventories[id].body.inventories[object.get(class, group[2], "VCPU")]) == true
}

# Hosts of which there is no inventory to look into.
blind := {id |
	some id, _ in hosts
	is_object(object.get(inventories, [id, "body", "inventories"], null)) == false
}

smt(id) := count(hosts[id] & {"HW_CPU_HYPERTHREADING"}) > 0

ratio(id) := object.get(inventories, [id, "body", "inventories", "VCPU", "allocation_ratio"], null)

limit(id, "V") := 3 if smt(id) == true

limit(id, "V") := 5 if smt(id) == false

limit(_, "T") := 1

# A core with two threads that are given away one by one is nobody's own.
limit(id, "C") := 0.5 if smt(id) == true

limit(id, "C") := 1 if smt(id) == false

# Whether the promise of a group is kept on a host: "kept", "broken" or "unknown".
kept(group, id) := "kept" if {
	group[2] == "dedicated"
	count({group[1]} & {"V", "T"}) == 1
} else := "kept" if {
	group[2] == "dedicated"
	group[3] == "isolate"
} else := "kept" if {
	group[2] == "dedicated"
	smt(id) == false
} else := "broken" if {
	group[2] == "dedicated"
} else := "unknown" if {
	group[2] != "shared"
} else := "unknown" if {
	is_number(ratio(id)) == false
} else := "kept" if {
	ratio(id) <= limit(id, group[1])
} else := "unknown" if {
	group[4] == true
} else := "unknown" if {
	group[1] == "V"
	input.parameters.workload_management == true
} else := "broken" if {
	ratio(id) > limit(id, group[1])
}

judged := {[group, id, how] |
	some group in groups
	some id in places(group)
	how := kept(group, id)
}

complete if {
	is_object(hosts) == true
	count(promised) == count(flavors)
	count(judged) == count([1 | some group in groups; some id in places(group)])
}

homeless := {group | some group in groups; count(places(group)) == 0}

answers := {"hosts": {"wrong": wrong, "unknown": unknown | unseen}} if complete

# One violation per host and CPU type.
wrong := {violation(pair[0], pair[1], names) | some pair, names in broken}

# {[host, CPU type]: flavors}
broken[place] contains name if {
	some j in judged
	j[2] == "broken"
	place := [j[1], j[0][1]]
	some name in names_of[j[0]]
}

unknown := {text |
	some j in judged
	j[2] == "unknown"
	text := sprintf(
		"host `%s` does not show whether it keeps the `%s` of %s",
		[host.name(input, j[1]), j[0][1], tally.some_of(names_of[j[0]])],
	)
}

unseen := {sprintf("no host is shown on which %s can start", [tally.some_of(names_of[group])]) |
	some group in homeless
} | {sprintf("the inventory of host `%s` is not shown", [host.name(input, id)]) |
	some id in blind
	count(groups) > 0
}

violation(id, type, names) := {
	"resource": inventories[id].key,
	"message": sprintf(
		"host `%s` gives each thread to up to %v vCPUs, at most %v for the `%s` promised by %s",
		[host.name(input, id), ratio(id), limit(id, type), type, tally.some_of(names)],
	),
	"path": "/inventories/VCPU/allocation_ratio",
	"found": ratio(id),
	"wanted": limit(id, type),
} if {
	count({type} & {"V", "T"}) == 1
}

violation(id, "C", names) := {
	"resource": inventories[id].key,
	"message": sprintf(
		"host `%s` does not give each vCPU a core of its own, which the `C` promised by %s needs: `hw:cpu_policy=dedicated`, and `hw:cpu_thread_policy=isolate` where SMT is on",
		[host.name(input, id), tally.some_of(names)],
	),
	"path": "/inventories/VCPU/allocation_ratio",
	"found": ratio(id),
	"wanted": limit(id, "C"),
}

verdict := tally.verdict(answers, 1)

reason := tally.reason(answers) if verdict == "abort"

violations contains v if {
	verdict == "fail"
	some v in tally.wrong(answers)
}
