# METADATA
# title: RAM is not oversubscribed where flavors do not say so
# description: >-
#   scs-0100-v3, "Memory": a name without the suffix `o` promises that the hosts on which
#   the flavor can start do not give out more RAM than they have. Whether RAM has ECC
#   (suffix `u`) is not in any API and not judged.
# scope: package
# custom:
#   id: scs-strict-0100-ram-oversubscription
#   severity: high
#   input: collection
#   kinds: [compute.flavor, placement.inventory, placement.trait, placement.resource_provider]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#     placement.inventory: [/inventories]
#     placement.trait: [/traits]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming#required-memory
#   remediation: >-
#     Lower the ratio on the host (openstack resource provider inventory set --amend
#     --resource MEMORY_MB:allocation_ratio=1.0 <provider>, and `ram_allocation_ratio` in
#     nova.conf), or name the flavors with `o`.
package scs_strict.scs_0100.ram_oversubscription

import rego.v1

import data.scs_strict.lib.host
import data.scs_strict.lib.promise
import data.scs_strict.lib.tally

flavors := input.resources["compute.flavor"]

hosts := host.all(input)

inventories := input.resources["placement.inventory"]

# {id: whether some name of the flavor promises RAM of its own}
promised := {id: keeps |
	some id, flavor in flavors
	promises := promise.of(flavor)
	own := {name | some name, p in promises; p.ram_oversubscribed == false}
	keeps := count(own) > 0
}

# Flavors that ask the same of a host are judged once: [wanted and unwanted traits,
# whether bound to some hosts].
groups := {group_of(flavors[id]) |
	some id, keeps in promised
	keeps == true
}

group_of(flavor) := [host.wants(flavor), host.bound(flavor)]

# {group: names of its flavors}
names_of[group] contains flavors[id].body.name if {
	some id, keeps in promised
	keeps == true
	group := group_of(flavors[id])
}

ratio(id) := object.get(inventories, [id, "body", "inventories", "MEMORY_MB", "allocation_ratio"], null)

judged := {[group, id, how] |
	some group in groups
	some id in host.candidates(hosts, group[0])
	how := how_kept(group, id)
}

how_kept(group, id) := "unknown" if {
	is_number(ratio(id)) == false
} else := "kept" if {
	ratio(id) <= 1
} else := "unknown" if {
	group[1] == true
} else := "broken"

complete if {
	count(promised) == count(flavors)
	is_object(hosts) == true
}

answers := {"hosts": {"wrong": wrong, "unknown": unknown | unseen}} if complete

wrong := {violation(id, names) | some id, names in broken}

# {host: flavors}
broken[host_id] contains name if {
	some j in judged
	j[2] == "broken"
	host_id := j[1]
	some name in names_of[j[0]]
}

unknown := {text |
	some j in judged
	j[2] == "unknown"
	text := sprintf(
		"host `%s` does not show whether it keeps the RAM promised by %s",
		[host.name(input, j[1]), tally.some_of(names_of[j[0]])],
	)
}

unseen := {sprintf("no host is shown on which %s can start", [tally.some_of(names_of[group])]) |
	some group in groups
	count(host.candidates(hosts, group[0])) == 0
}

violation(id, names) := {
	"resource": inventories[id].key,
	"message": sprintf(
		"host `%s` gives out %v times its RAM, at most 1 for %s",
		[host.name(input, id), ratio(id), tally.some_of(names)],
	),
	"path": "/inventories/MEMORY_MB/allocation_ratio",
	"found": ratio(id),
	"wanted": 1,
}

verdict := tally.verdict(answers, 1)

reason := tally.reason(answers) if verdict == "abort"

violations contains v if {
	verdict == "fail"
	some v in tally.wrong(answers)
}
