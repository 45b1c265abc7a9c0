# METADATA
# title: Projects are limited
# description: >-
#   A project of a customer without a limit (-1) on one of `compute`, `network` or
#   `block_storage`, or with one on cores or memory above what all hosts of the region have
#   together: one project can take everything. Projects in `provider_projects` (names in the
#   domain `default`, or ids) are left out.
# scope: package
# custom:
#   id: os.compute.quota-unlimited
#   severity: medium
#   input: collection
#   kinds: [compute.quota, network.quota, block-storage.quota, placement.inventory, identity.project]
#   absent: [block-storage.quota]
#   requires:
#     identity.project: [/name, /domain_id]
#   standard: https://docs.openstack.org/nova/latest/admin/quotas.html
#   remediation: >-
#     openstack quota set --cores 200 --ram 819200 --volumes 100 --ports 500 PROJECT; and
#     --class default for those without a quota of their own. Who is above the new limit keeps
#     what there is and gets nothing more.
#   parameters:
#     compute: [cores, ram]
#     network: [port]
#     block_storage: [volumes]
#     provider_projects: [admin, service]
package os.compute.quota_unlimited

import rego.v1

import data.os.lib.names

projects := input.resources["identity.project"]

provider contains id if {
	some id, project in projects
	project.body.domain_id == "default"
	names.listed(input.parameters.provider_projects, project.body.name)
}

provider contains id if some id in input.parameters.provider_projects

looked_at := {
	"compute.quota": input.parameters.compute,
	"network.quota": input.parameters.network,
	"block-storage.quota": input.parameters.block_storage,
}

limits contains {"project": id, "key": quota.key, "name": wanted, "limit": limit} if {
	some kind, wanted_names in looked_at
	some id, quota in input.resources[kind]
	projects[id]
	not id in provider
	some wanted in wanted_names
	limit := object.get(quota.body, wanted, null)
}

stock contains {"class": class, "host": id, "room": room} if {
	some id, inventory in input.resources["placement.inventory"]
	some class, one in inventory.body.inventories
	room := (one.total - object.get(one, "reserved", 0)) * one.allocation_ratio
}

capacity := {
	"cores": sum([one.room | some one in stock; one.class in ["VCPU", "PCPU"]]),
	"ram": sum([one.room | some one in stock; one.class == "MEMORY_MB"]),
}

violations contains {
	"resource": one.key,
	"message": sprintf("project `%s` has no limit on %s", [projects[one.project].body.name, one.name]),
	"path": sprintf("/%s", [one.name]),
	"found": one.limit,
	"wanted": "a limit",
} if {
	some one in limits
	one.limit == -1
}

violations contains {
	"resource": one.key,
	"message": sprintf("project `%s` may have %v %s, all hosts together have %v", [
		projects[one.project].body.name,
		one.limit,
		one.name,
		capacity[one.name],
	]),
	"path": sprintf("/%s", [one.name]),
	"found": one.limit,
	"wanted": sprintf("less than %v", [capacity[one.name]]),
} if {
	some one in limits
	is_number(one.limit)
	one.limit > capacity[one.name]
}

unreadable contains one.name if {
	some one in limits
	limit := one.limit
	not is_number(limit)
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(unreadable) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(unreadable) > 0
}

reason := sprintf("the limit on %s is not shown for some projects", [min(unreadable)])
