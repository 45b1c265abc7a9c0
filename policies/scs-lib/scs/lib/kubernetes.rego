# Versions of Kubernetes, what is known of them, and what scs-0210 makes of it.
#
# `known` is the data of the bundle `kubernetes-releases`, or something of its shape.
package scs.lib.kubernetes

import rego.v1

import data.scs.lib.utc

# [1, 36, 2] of `v1.36.2` or `v1.36.2+build`; null for everything else, pre-releases
# among it.
version(text) := [utc.number(part) | some n in [1, 2, 3]; part := groups[n]] if {
	found := regex.find_all_string_submatch_n(`^v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(?:\+.*)?$`, sprintf("%v", [text]), 1)
	count(found) == 1
	groups := found[0]
} else := null

# "1.36" of a version.
branch(parts) := sprintf("%d.%d", [parts[0], parts[1]])

# The first and last second at which what happened on a day, or at a time, can have
# happened.
span(text) := [at, at] if {
	contains(text, "T")
	at := utc.instant(text)
} else := [at, at + 86399] if {
	at := utc.seconds(text)
}

# The last second for which a part of the data is complete.
reach(part) := span(part.as_of)[1]

# {"lower", "upper", "inclusive"} of an affected version in a record of CVE, as the
# reference reads them: without an upper end it is the one version, and of `1.25.x` there
# is none.
affected(entry) := {"lower": lower, "upper": loose(entry.lessThanOrEqual), "inclusive": true} if {
	lower := loose(entry.version)
	entry.lessThanOrEqual
} else := {"lower": lower, "upper": loose(entry.lessThan), "inclusive": false} if {
	lower := loose(entry.version)
	entry.lessThan
} else := {"lower": lower, "upper": lower, "inclusive": false} if {
	lower := loose(entry.version)
	endswith(entry.version, ".x")
} else := {"lower": lower, "upper": null, "inclusive": false} if {
	lower := loose(entry.version)
}

# A version of which parts may be left out, or `x`.
loose(text) := [part(groups[1]), part(groups[2]), part(groups[3])] if {
	found := regex.find_all_string_submatch_n(`^v?([0-9]{1,6})(?:\.([0-9]{1,6}|x))?(?:\.([0-9]{1,6}|x))?$`, text, 1)
	groups := found[0]
}

part(digits) := 0 if {
	digits in {"", "x"}
} else := utc.number(digits)

within(parts, range) if {
	range.upper == null
	parts == range.lower
}

within(parts, range) if {
	range.upper != null
	range.inclusive == true
	parts >= range.lower
	parts <= range.upper
}

within(parts, range) if {
	range.upper != null
	range.inclusive == false
	parts >= range.lower
	parts < range.upper
}

# Whether a CVSS base score of any version is so high.
severe(metrics, least) := count(scores) > 0 if {
	scores := [score |
		some metric in metrics
		some name, of in metric
		startswith(name, "cvssV")
		score := of.baseScore
		score >= least
	]
}

# The severe vulnerabilities of a version: {id: record}.
vulnerable(parts, known, least) := {cve.id: cve |
	some cve in known.vulnerabilities.cves
	severe(cve.metrics, least) == true
	hit(parts, cve)
}

hit(parts, cve) if {
	some entry in cve.versions
	within(parts, affected(entry))
}

# [{"name", "from", "to"}] of the later releases of the branch of a version.
newer(parts, of) := [release |
	some name, at in of.releases
	version(name) > parts
	between := span(at)
	release := {"name": name, "parts": version(name), "from": between[0], "to": between[1]}
]

# The verdict on the one API server of a snapshot. `what` has `known`, `days`, `least` and
# `fixed`, as `policy` takes them.
cluster(asked, what) := object.union(said, {"violations": {object.union(v, {"resource": found.key}) | some v in said.violations}}) if {
	count(asked.resources["kubernetes.version"]) == 1
	some found in asked.resources["kubernetes.version"]
	said := policy(object.union(what, {"version": found.body.gitVersion, "now": utc.instant(asked.now)}))
} else := settled("abort", "the snapshot does not have the one version of an API server", utc.forever)

# The verdict on a version: {"verdict", "reason"?, "violations", "until"}. `asked` is
# {"version", "now", "known", "days", "least", "fixed"}: `days` says within how many days
# of its release a later patch has to be there, always (`patch`) and if the version has a
# severe vulnerability (`cve`), each absent if nothing is asked; `least` is the score
# from which one is severe; with `fixed` only patches without that vulnerability count.
#
# A release of which only the day is known is due for certain when that day has passed.
# What the data cannot know yet is no pass.
policy(asked) := settled("abort", sprintf("`%v` is not a version such as v1.36.2", [asked.version]), utc.forever) if {
	version(asked.version) == null
}

policy(asked) := settled("abort", sprintf(
	"the data on releases, of %v, do not know %s; put newer ones in their place",
	[asked.known.releases.as_of, branch(parts)],
), utc.forever) if {
	parts := version(asked.version)
	parts != null
	object.get(asked.known.releases.branches, branch(parts), null) == null
}

policy(asked) := windows(asked, parts, of) if {
	parts := version(asked.version)
	parts != null
	of := asked.known.releases.branches[branch(parts)]
}

settled(verdict, reason, until) := {"verdict": verdict, "reason": reason, "until": until, "violations": set()}

windows(asked, parts, of) := decide(asked, {
	"ended": [1 | "patch" in object.keys(asked.days); asked.now >= span(of.end_of_life)[0]],
	"end_of_life": of.end_of_life,
	"due": due,
	"certain": [d | some d in due; asked.now > d.to],
	"possible": [d | some d in due; asked.now > d.from],
	"reach": min([reach(asked.known.releases), reach(asked.known.vulnerabilities)]),
	"ends": span(of.end_of_life)[0],
	"branches": count([1 | some b in asked.known.releases.branches; span(b.end_of_life)[0] > asked.now]),
	"days": min([d | some d in asked.days]),
}) if {
	later := newer(parts, of)
	patches := [d |
		days := asked.days.patch
		some r in later
		d := {"name": r.name, "days": days, "from": r.from + (days * 86400), "to": r.to + (days * 86400), "why": "it is a later patch"}
	]
	fixes := [d |
		days := asked.days.cve
		some id, cve in vulnerable(parts, asked.known, asked.least)
		some r in later
		fixes_it(r, cve, asked.fixed) == true
		d := {"name": r.name, "days": days, "from": r.from + (days * 86400), "to": r.to + (days * 86400), "why": sprintf("the version has %s", [id])}
	]
	due := array.concat(patches, fixes)
}

fixes_it(_, _, false) := true

fixes_it(release, cve, true) := count([1 | hit(release.parts, cve)]) == 0

decide(asked, at) := {"verdict": "fail", "until": utc.forever, "violations": ended | late} if {
	count(at.ended) + count(at.certain) > 0
	ended := {violation(
		sprintf("Kubernetes %s is not maintained since %s", [asked.version, at.end_of_life]),
		asked.version,
		"a branch that is maintained",
	) |
		count(at.ended) > 0
	}
	late := {violation(
		sprintf("Kubernetes %s: %s has been out for more than %d days, and %s", [asked.version, d.name, d.days, d.why]),
		asked.version,
		sprintf("%s or later", [d.name]),
	) |
		some d in at.certain
	}
}

decide(asked, at) := settled("abort", reason, until(asked, at)) if {
	count(at.ended) + count(at.certain) == 0
	some reason in [doubt(asked, at)]
	reason != null
}

decide(asked, at) := {"verdict": "pass", "until": until(asked, at), "violations": set()} if {
	count(at.ended) + count(at.certain) == 0
	doubt(asked, at) == null
}

# Why there is no verdict, or null.
doubt(asked, at) := sprintf(
	"%s was released %d days ago or a little less, and the data only know the day",
	[at.possible[0].name, at.possible[0].days],
) if {
	count(at.possible) > 0
} else := sprintf(
	"the data on releases are of %v and those on vulnerabilities of %v, more than the %d days ago after which a patch may be due; put newer ones in their place",
	[asked.known.releases.as_of, asked.known.vulnerabilities.as_of, at.days],
) if {
	asked.now > at.reach + (at.days * 86400)
} else := sprintf(
	"the data on releases, of %v, know fewer than two branches that are maintained now; put newer ones in their place",
	[asked.known.releases.as_of],
) if {
	at.branches < 2
} else := null

# When the verdict may change by itself.
until(asked, at) := utc.rfc3339(ceil(min(moments | {utc.seconds(utc.forever)}))) if {
	edges := {e | some d in at.due; some e in [d.from + 1, d.to + 1]} | {at.ends, at.reach + (at.days * 86400) + 1}
	moments := {e | some e in edges; e > asked.now}
}

violation(message, found, wanted) := {"message": message, "path": "/gitVersion", "found": found, "wanted": wanted}
