# Which minor versions of Kubernetes a provider has to offer.
package scs_kaas_strict.lib.offered

import rego.v1

import data.scs.lib.kubernetes
import data.scs.lib.utc

# A new minor version is offered within four months.
days := 120

# {"verdict", "reason"?, "violations", "until"}: every branch that is maintained and has
# been out for four months is among `versions`, a set of texts.
judge(versions, now, known) := kubernetes.settled("abort", sprintf("`%s` is not a version such as 1.36.2", [min(unread)]), utc.forever) if {
	unread := unreadable(versions)
	count(unread) > 0
}

judge(versions, now, known) := decide(now, known, {b |
	some b, of in known.releases.branches
	now < kubernetes.span(of.end_of_life)[0]
	now > due(b, of)
	count([1 | some v in versions; kubernetes.branch(kubernetes.version(v)) == b]) == 0
}) if {
	count(unreadable(versions)) == 0
}

unreadable(versions) := {v | some v in versions; kubernetes.version(v) == null}

# The last second at which the newest branch that has to be offered is known.
stale(known) := kubernetes.reach(known.releases) + (days * 86400)

decide(now, known, missing) := {
	"verdict": "fail",
	"until": utc.rfc3339(next(now, known)),
	"violations": {violation(b, known) | some b in missing},
} if {
	count(missing) > 0
} else := kubernetes.settled("abort", sprintf(
	"the data on releases are of %v, more than %d days ago, and do not know the newest minor version; put newer ones in their place",
	[known.releases.as_of, days],
), utc.forever) if {
	now > stale(known)
} else := {
	"verdict": "pass",
	"until": utc.rfc3339(min([next(now, known), stale(known) + 1])),
	"violations": set(),
}

# The second from which on a branch has to be offered; the beginning of time if the data
# do not have its first release.
due(b, of) := kubernetes.span(of.releases[sprintf("%s.0", [b])])[1] + (days * 86400) if {
	of.releases[sprintf("%s.0", [b])]
} else := 0

# When a branch comes or goes next.
next(now, known) := min(edges | {utc.seconds(utc.forever)}) if {
	edges := {e |
		some b, of in known.releases.branches
		some e in [kubernetes.span(of.end_of_life)[0], due(b, of) + 1]
		e > now
	}
}

violation(b, known) := {
	"message": sprintf("Kubernetes %s is not offered, which is maintained until %s", [b, known.releases.branches[b].end_of_life]),
	"found": "not offered",
	"wanted": sprintf("a version %s.x", [b]),
}
