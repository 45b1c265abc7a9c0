# What the newest result of a probe is worth at the reference time.
package scs.lib.probe

import rego.v1

import data.scs.lib.lifetime
import data.scs.lib.utc

# The result of one region: {"verdict", "reason"?, "body"?, "key"?, "until"}.
#   missing   never probed, or so long ago that it no longer counts
#   abort     probed, and nothing can be said
#   judge     probed: the rule judges `body`
#   absent    the service was not on offer when it was probed
# `until` is when this changes by itself.
state(asked, kind, testcase) := {
	"verdict": "missing",
	"reason": sprintf("it was never probed; type: %s", [command(testcase)]),
	"until": utc.forever,
} if {
	count(asked.resources[kind]) == 0
}

state(asked, kind, _) := {
	"verdict": "abort",
	"reason": "several probes claim to be the newest",
	"until": utc.forever,
} if {
	count(asked.resources[kind]) > 1
}

state(asked, kind, testcase) := timed(found, testcase, asked.parameters.lifetime, utc.instant(asked.now)) if {
	count(asked.resources[kind]) == 1
	some found in asked.resources[kind]
}

timed(found, _, _, now) := {
	"verdict": "missing",
	"reason": sprintf("the only probe is of %s, after the reference time", [found.body.probed_at]),
	"until": utc.rfc3339(ceil(probed)),
} if {
	probed := utc.instant(found.body.probed_at)
	now < probed
}

timed(found, testcase, period, now) := {
	"verdict": "missing",
	"reason": sprintf("probed at %s, which counted until %s; type: %s", [
		found.body.probed_at,
		utc.rfc3339(ends),
		command(testcase),
	]),
	"until": utc.forever,
} if {
	ends := lifetime.expires(utc.instant(found.body.probed_at), period)
	now >= ends
}

timed(found, testcase, period, now) := object.union(reading(found, testcase), {"until": utc.rfc3339(ends)}) if {
	probed := utc.instant(found.body.probed_at)
	ends := lifetime.expires(probed, period)
	now >= probed
	now < ends
}

reading(found, _) := {"verdict": "judge", "body": found.body, "key": found.key} if found.body.outcome == "done"

reading(found, _) := {
	"verdict": "absent",
	"body": found.body,
	"key": found.key,
	"reason": sprintf("probed at %s, and the service was not on offer: %v", [
		found.body.probed_at,
		object.get(found.body, "reason", "no reason given"),
	]),
} if {
	found.body.outcome == "not-offered"
}

reading(found, testcase) := {
	"verdict": "abort",
	"reason": sprintf("the probe of %s gave no result: %v; type: %s", [
		found.body.probed_at,
		object.get(found.body, "reason", "no reason given"),
		command(testcase),
	]),
} if {
	count({found.body.outcome} & {"done", "not-offered"}) == 0
}

# The judgement where there is nothing to judge.
settled(found) := {"verdict": "missing", "violations": set(), "reason": found.reason} if found.verdict == "missing"

settled(found) := {"verdict": "abort", "violations": set(), "reason": found.reason} if {
	found.verdict in {"abort", "absent"}
}

# What to type for a new result.
command(testcase) := sprintf("tidegate probe --cloud NAME --only %s", [testcase])
