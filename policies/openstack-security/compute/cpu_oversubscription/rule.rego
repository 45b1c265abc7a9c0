# METADATA
# title: Hosts are no more oversubscribed than flavors promise
# description: >-
#   SCS-0100 promises a fifth of a core for `V` flavors: at most `per_core` vCPUs for a core, or
#   `per_thread` for a thread where the host has hyper-threading. `T` and `C` promise a thread
#   or core of one's own, which takes `hw:cpu_policy=dedicated`. The allocation ratio of each
#   host in placement is compared. Hosts that only `L` flavors can reach may stand in
#   `crowded_hosts` (names, patterns).
# scope: package
# custom:
#   id: os.compute.cpu-oversubscription
#   severity: high
#   input: collection
#   kinds: [placement.inventory, placement.trait, placement.resource_provider, compute.flavor]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#     placement.inventory: [/inventories]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming
#   remediation: >-
#     `[DEFAULT] cpu_allocation_ratio` (or openstack resource provider inventory set
#     --resource VCPU:allocation_ratio=3.0 PROVIDER --amend, which nova-compute writes over if
#     its option is set). Servers that run stay; no new ones are placed until usage has sunk.
#     For flavors: openstack flavor set --property hw:cpu_policy=dedicated FLAVOR, which needs
#     hosts with `[compute] cpu_dedicated_set`.
#   parameters:
#     per_core: 5
#     per_thread: 3
#     crowded_hosts: []
package os.compute.cpu_oversubscription

import rego.v1

import data.os.lib.names

types := {"L": "crowded-core", "V": "shared-core", "T": "dedicated-thread", "C": "dedicated-core"}

flavors := input.resources["compute.flavor"]

# What a flavor promises, by its property or by its name.
promise[id] := type if {
	some id, flavor in flavors
	type := flavor.body.extra_specs["scs:cpu-type"]
}

promise[id] := type if {
	some id, flavor in flavors
	object.get(flavor.body.extra_specs, "scs:cpu-type", null) == null
	found := regex.find_all_string_submatch_n(`^SCS-[0-9]+([LVTC])`, flavor.body.name, 1)
	count(found) == 1
	type := types[found[0][1]]
}

shared contains flavors[id].body.name if {
	some id, type in promise
	type == "shared-core"
}

lent contains id if {
	some id, type in promise
	type in ["dedicated-thread", "dedicated-core"]
	object.get(flavors[id].body.extra_specs, "hw:cpu_policy", "shared") != "dedicated"
	object.get(flavors[id].body.extra_specs, "resources:PCPU", null) == null
}

# Times one: `5.0` is written as `5` whatever evaluates this.
ratio[id] := value * 1 if {
	some id, inventory in input.resources["placement.inventory"]
	value := inventory.body.inventories.VCPU.allocation_ratio
}

name[id] := text if {
	some id, provider in input.resources["placement.resource_provider"]
	text := provider.body.name
}

threads[id] if {
	some id, _ in ratio
	"HW_CPU_HYPERTHREADING" in input.resources["placement.trait"][id].body.traits
}

limit[id] := input.parameters.per_thread if threads[id]

limit[id] := input.parameters.per_core if {
	some id, _ in ratio
	is_array(input.resources["placement.trait"][id].body.traits)
	not threads[id]
}

violations contains {
	"resource": input.resources["placement.inventory"][id].key,
	"message": sprintf("host `%s` gives %v vCPUs for a %s; flavors such as `%s` promise at most %v", [
		name[id],
		value,
		object.get({true: "thread"}, object.get(threads, id, false), "core"),
		min(shared),
		limit[id],
	]),
	"path": "/inventories/VCPU/allocation_ratio",
	"found": value,
	"wanted": limit[id],
} if {
	count(shared) > 0
	some id, value in ratio
	value > limit[id]
	host := name[id]
	crowded := input.parameters.crowded_hosts
	not names.listed(crowded, host)
}

violations contains {
	"resource": flavors[id].key,
	"message": sprintf("flavor `%s` promises a %s and shares it: no `hw:cpu_policy`", [flavors[id].body.name, promise[id]]),
	"path": "/extra_specs/hw:cpu_policy",
	"found": object.get(flavors[id].body.extra_specs, "hw:cpu_policy", null),
	"wanted": "dedicated",
} if {
	some id in lent
	max([value | some value in ratio]) > 1
}

unknown contains id if {
	some id, inventory in input.resources["placement.inventory"]
	is_object(inventory.body.inventories.VCPU)
	not ratio[id]
}

unknown contains id if {
	some id, _ in ratio
	not limit[id]
}

unknown contains id if {
	some id, _ in ratio
	not name[id]
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(unknown) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(unknown) > 0
}

reason := sprintf("how provider `%s` shares its processors is not known: its traits, its name or its allocation ratio are missing", [min(unknown)])
