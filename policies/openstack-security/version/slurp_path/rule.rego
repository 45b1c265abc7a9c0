# METADATA
# title: The planned upgrade is one that is tested
# description: >-
#   From a series to the next one, or from a SLURP series to the next SLURP series: nothing
#   else is tested, and database migrations assume it. `target` is the series planned; where
#   it is the running one, or older, there is nothing to plan or a way back that does not exist.
# scope: package
# custom:
#   id: os.version.slurp-path
#   severity: high
#   input: resource
#   kinds: [compute.version]
#   requires:
#     compute.version: [/tidegate/max_version]
#   standard: https://governance.openstack.org/tc/resolutions/20220210-release-cadence-adjustment.html
#   remediation: >-
#     Plan further hops in between, each to the next series or SLURP to SLURP; finish online
#     data migrations (nova-manage db online_data_migrations) before each.
#   parameters:
#     series: ""
#     target: ""
package os.version.slurp_path

import rego.v1

import data.os.lib.series
import data.os.tables.series as table

version := input.resource.body.tidegate.max_version

target := input.parameters.target

found := series.candidates(version, input.parameters.series)

goal := series.position[target]

tested contains id if {
	some id in found
	goal == series.position[id]
}

tested contains id if {
	some id in found
	goal == series.position[id] + 1
}

tested contains id if {
	some id in found
	series.slurp(id)
	goal == series.next_slurp(id)
}

known if {
	count(found) > 0
	goal >= 0
}

verdict := "pass" if {
	known
	count(tested) == count(found)
}

verdict := "fail" if {
	known
	count(tested) == 0
}

verdict := "abort" if {
	known
	count(tested) > 0
	count(tested) < count(found)
}

verdict := "abort" if not known

reason := sprintf("microversion %s of Nova is that of %s, and from %s only the way is tested: set `series`", [
	version,
	concat(" and ", sort(found)),
	concat(" and ", sort(tested)),
]) if {
	known
}

reason := series.unknown(version, input.parameters.series) if not found

reason := "no upgrade is planned: set `target` to a series, such as `2026.1`" if {
	found
	target == ""
}

reason := sprintf("the data on series, of %s, do not know `%s`", [table.as_of, target]) if {
	found
	target != ""
	not goal
}

violations contains {
	"message": sprintf("the way from %s to %s is not tested", [concat(" or ", sort(found)), target]),
	"path": "/tidegate/max_version",
	"found": version,
	"wanted": "the next series, or from a SLURP series to the next one",
} if {
	verdict == "fail"
}
