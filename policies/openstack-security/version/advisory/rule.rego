# METADATA
# title: No advisory is open
# description: >-
#   By the series that the newest microversion of Nova means. The API shows no point release:
#   where the series has a release with the fix, the rule cannot tell, until the operator says
#   by `fixed` (ids) that it is installed. It fails where no release of the series has it.
#   `products` are the services that run the same series as Nova. Severities of advisories
#   differ; that of the rule is high.
# scope: package
# custom:
#   id: os.version.advisory
#   severity: high
#   input: resource
#   kinds: [compute.version]
#   requires:
#     compute.version: [/tidegate/max_version]
#   standard: https://security.openstack.org/ossalist.html
#   remediation: >-
#     Install the release that has the fix (pull new images and reconfigure; servers keep
#     running), restart the service, and set the parameter `fixed`. For a series without one,
#     apply the patch that the advisory links, or upgrade.
#   parameters:
#     series: ""
#     products: [nova]
#     fixed: []
package os.version.advisory

import rego.v1

import data.os.lib.series
import data.os.tables.advisories as table

version := input.resource.body.tidegate.max_version

found := series.candidates(version, input.parameters.series)

concerned contains at if {
	some at, advisory in table.advisories
	advisory.product in input.parameters.products
	id := advisory.id
	fixed := input.parameters.fixed
	not id in fixed
}

# Which of the series that it may be have no release with the fix.
without contains [at, id] if {
	some at in concerned
	some id in found
	range := table.advisories[at].unfixed
	series.position[id] >= series.position[range.from]
	series.position[id] <= series.position[range.to]
}

patched contains [at, id] if {
	some at in concerned
	some id in found
	table.advisories[at].fixed[id]
}

open contains at if {
	some at in concerned
	hits := {id | some id in found; [at, id] in without}
	count(hits) == count(found)
}

doubtful contains at if {
	some pair in without | patched
	at := pair[0]
	not at in open
}

violations contains {
	"message": sprintf("%s (%s, %s): no release of %s has the fix", [
		advisory.id,
		advisory.product,
		advisory.title,
		concat(" or ", sort(found)),
	]),
	"path": "/tidegate/max_version",
	"found": version,
	"wanted": "a series with the fix",
} if {
	some at in open
	advisory := table.advisories[at]
}

verdict := "fail" if count(open) > 0

verdict := "pass" if {
	count(found) > 0
	count(open) == 0
	count(doubtful) == 0
}

verdict := "abort" if {
	count(open) == 0
	count(doubtful) > 0
}

verdict := "abort" if not found

asked contains text if {
	some at in doubtful
	advisory := table.advisories[at]
	releases := [sprintf("%s for %s", [release, id]) | some id in sort(found); release := advisory.fixed[id]]
	text := sprintf("%s (%s: %s)", [advisory.id, advisory.product, concat(", ", releases)])
}

reason := sprintf("whether the fixes are installed is not shown: %s; set `fixed`", [concat(", ", sort(asked))]) if found

reason := series.unknown(version, input.parameters.series) if not found
