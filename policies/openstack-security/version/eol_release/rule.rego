# METADATA
# title: The release of OpenStack is maintained
# description: >-
#   By the newest microversion of Nova. Several series may have the same one: the operator may
#   say by `series` which it is. Microversions of the other services stay the same over many
#   series and tell nothing. Distributors may maintain theirs for longer, which is not seen.
# scope: package
# custom:
#   id: os.version.eol-release
#   severity: high
#   input: resource
#   kinds: [compute.version]
#   requires:
#     compute.version: [/tidegate/max_version]
#   time: true
#   standard: https://releases.openstack.org/
#   remediation: >-
#     Upgrade to a maintained series, one at a time or from one SLURP series to the next
#     (kolla-ansible upgrade; openstack-ansible; osism apply). Read the rules
#     `os.version.slurp-path` and `os.compute.service-down` before.
#   parameters:
#     series: ""
package os.version.eol_release

import rego.v1

import data.os.lib.series
import data.os.tables.series as table

version := input.resource.body.tidegate.max_version

today := substring(input.now, 0, 10)

found := series.candidates(version, input.parameters.series)

ended contains id if {
	some id in found
	is_string(series.about[id].until)
	today > series.about[id].until
}

ended contains id if {
	some id in found
	series.about[id].ended == true
	today >= table.as_of
}

kept contains id if {
	some id in found
	is_string(series.about[id].until)
	today <= series.about[id].until
}

kept contains id if {
	some id in found
	series.about[id].until == null
	today <= table.valid_until
}

verdict := "fail" if {
	count(ended) > 0
	count(ended) == count(found)
}

verdict := "pass" if {
	count(kept) > 0
	count(kept) == count(found)
}

verdict := "abort" if {
	count(ended) < count(found)
	count(kept) < count(found)
}

verdict := "abort" if not found

reason := sprintf("microversion %s of Nova is that of %s, which are not all maintained or not: set `series`", [
	version,
	concat(" and ", sort(found)),
]) if {
	count(found) > 1
}

reason := sprintf("the data on series, of %s, do not say whether %s is maintained on %s", [
	table.as_of,
	concat("", found),
	today,
]) if {
	count(found) == 1
}

reason := series.unknown(version, input.parameters.series) if not found

violations contains {
	"message": sprintf("OpenStack %s is not maintained any more", [concat(" or ", sort(found))]),
	"path": "/tidegate/max_version",
	"found": version,
	"wanted": "a maintained series",
} if {
	verdict == "fail"
}

ends contains table.valid_until if some id in kept

ends contains series.about[id].until if {
	some id in kept
	is_string(series.about[id].until)
}

# A pass ends with the first series that it may be; no date makes one maintained again.
valid_until := sprintf("%sT23:59:59Z", [min(ends)]) if verdict == "pass"

valid_until := "9999-01-01T00:00:00Z" if verdict == "fail"
