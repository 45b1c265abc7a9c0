# METADATA
# title: Projects can allocate an IPv6 prefix
# description: >-
#   scs-0126-v1, "IPv6 Allocation" and "IPv4 Allocation": exactly one shared IPv6 subnet
#   pool is marked as default, and each project can take a /64 from it. If there are
#   shared IPv4 pools, exactly one of them is marked as default. Whether addresses are
#   routed, or public, is not judged.
# scope: package
# custom:
#   id: scs-preview-0126-subnet-pools
#   severity: medium
#   input: collection
#   kinds: [network.subnet_pool]
#   visibility: member
#   requires:
#     network.subnet_pool: [/name, /shared, /ip_version, /is_default, /prefixes, /min_prefixlen, /max_prefixlen, /default_quota]
#   standard: https://docs.scs.community/standards/scs-0126-v1-provider-networks#ipv6-allocation
#   remediation: >-
#     openstack subnet pool create --share --default --pool-prefix <prefix>
#     --default-prefix-length 64 --max-prefix-length 64 <name>
package scs_preview.scs_0126.subnet_pools

import rego.v1

pools := input.resources["network.subnet_pool"]

shared(version) := {id |
	some id, p in pools
	p.body.shared == true
	p.body.ip_version == version
}

marked(version) := {id | some id in shared(version); pools[id].body.is_default == true}

names(ids) := sort({sprintf("%v", [pools[id].body.name]) | some id in ids})

problems contains problem(6) if count(marked(6)) != 1

problems contains problem(4) if {
	count(shared(4)) > 0
	count(marked(4)) != 1
}

problem(version) := {
	"message": sprintf(
		"%d shared subnet pools for IPv%d are marked as default, not one",
		[count(marked(version)), version],
	),
	"path": "/is_default",
	"found": names(marked(version)),
	"wanted": "one shared pool with is_default",
}

# Neutron gives lengths as numbers or as text.
length(id, field) := to_number(sprintf("%v", [pools[id].body[field]]))

# Prefixes from which a /64 can be cut.
wide(id) := {prefix |
	some prefix in pools[id].body.prefixes
	parts := split(prefix, "/")
	count(parts) == 2
	to_number(parts[1]) <= 64
}

gives(id) := true if {
	length(id, "min_prefixlen") <= 64
	length(id, "max_prefixlen") >= 64
	count(wide(id)) > 0
	most(pools[id].body.default_quota) >= 1
} else := false if {
	is_number(length(id, "min_prefixlen")) == true
	is_number(length(id, "max_prefixlen")) == true
	is_number(most(pools[id].body.default_quota)) == true
	prefixes := pools[id].body.prefixes
	is_array(prefixes) == true
	count([1 | some prefix in prefixes; is_string(prefix) == true]) == count(prefixes)
}

# How many /64 a project can have; no quota is no limit.
most(null) := 1

most(limit) := limit if is_number(limit)

answers := {id: answer | some id in marked(6); answer := gives(id)}

problems contains {
	"resource": pools[id].key,
	"message": sprintf(
		"subnet pool `%v` does not give each project a /64: prefixes %s, lengths %v to %v, quota %v",
		[pools[id].body.name, concat(", ", pools[id].body.prefixes), pools[id].body.min_prefixlen, pools[id].body.max_prefixlen, pools[id].body.default_quota],
	),
	"path": "/max_prefixlen",
	"found": [pools[id].body.min_prefixlen, pools[id].body.max_prefixlen, pools[id].body.default_quota],
	"wanted": "a /64 within lengths, prefixes and quota",
} if {
	some id, answer in answers
	answer == false
}

judged if count(answers) == count(marked(6))

verdict := "fail" if {
	judged
	count(problems) > 0
}

verdict := "pass" if {
	judged
	count(problems) == 0
}

violations contains v if {
	verdict == "fail"
	some v in problems
}
