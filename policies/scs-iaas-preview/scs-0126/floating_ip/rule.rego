# METADATA
# title: Projects can have a floating IP
# description: >-
#   scs-0126-v1, "IPv4 Allocation": where the standard provider network has IPv4 addresses
#   to give, each project can take at least one as floating IP, so that its quota is not
#   0. Without IPv4, which the standard recommends, there is nothing to give. Whether an
#   address is left at the moment is not judged.
# scope: package
# custom:
#   id: scs-preview-0126-floating-ip
#   severity: medium
#   input: collection
#   kinds: [network.network, network.subnet, network.quota]
#   requires:
#     network.network: ['/router:external', /id]
#     network.subnet: [/network_id, /ip_version, /allocation_pools]
#     network.quota: [/floatingip]
#   standard: https://docs.scs.community/standards/scs-0126-v1-provider-networks#ipv4-allocation
#   remediation: >-
#     openstack quota set --floating-ips 1 <project>; openstack subnet set
#     --allocation-pool start=<first>,end=<last> <subnet>
package scs_preview.scs_0126.floating_ip

import rego.v1

standard := {n.body.id |
	some n in input.resources["network.network"]
	object.get(n.body, "is_default", false) == true
	n.body["router:external"] == true
}

subnets := {id: s |
	some id, s in input.resources["network.subnet"]
	count({s.body.network_id} & standard) == 1
	s.body.ip_version == 4
}

giving := {id | some id, s in subnets; count(s.body.allocation_pools) > 0}

barred := {id: q |
	some id, q in input.resources["network.quota"]
	q.body.floatingip == 0
}

readable if {
	quotas := input.resources["network.quota"]
	count([1 | some q in quotas; is_number(q.body.floatingip) == true]) == count(quotas)
	count([1 | some s in subnets; is_array(s.body.allocation_pools) == true]) == count(subnets)
}

verdict := "abort" if count(standard) != 1

reason := sprintf(
	"%d external networks are marked as default, so that it is not told from which floating IPs come",
	[count(standard)],
) if {
	count(standard) != 1
}

problems contains {
	"resource": s.key,
	"message": sprintf(
		"subnet `%v` of the standard provider network has no addresses to give",
		[object.get(s.body, "name", id)],
	),
	"path": "/allocation_pools",
	"found": s.body.allocation_pools,
	"wanted": "at least one pool",
} if {
	count(giving) == 0
	some id, s in subnets
}

problems contains {
	"resource": q.key,
	"message": sprintf("project `%s` may have no floating IP", [id]),
	"path": "/floatingip",
	"found": 0,
	"wanted": "1 or more, or -1",
} if {
	count(subnets) > 0
	some id, q in barred
}

verdict := "pass" if {
	count(standard) == 1
	readable
	count(problems) == 0
}

verdict := "fail" if {
	count(standard) == 1
	readable
	count(problems) > 0
}

violations contains v if {
	verdict == "fail"
	some v in problems
}
