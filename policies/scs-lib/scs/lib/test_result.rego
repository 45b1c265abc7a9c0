# What results of test suites are worth at the reference time.
package scs.lib.test_result

import rego.v1

import data.scs.lib.kubernetes
import data.scs.lib.lifetime
import data.scs.lib.utc

# {"verdict", "reason"?, "violations", "until"} of a testcase that a run of tests
# decides. `what` is {"set", "called", "command"}: which set of the counts of a result
# it is about, what it is called, and what makes a new one. Parameters: `lifetime`,
# `mode`, `ok_to_fail` (expressions for names of tests that may fail), `least_tests`
# (below which a run is not whole; mode strict).
judge(asked, what) := ranked(asked, what, [r |
	some found in asked.resources["kubernetes.test_result"]
	r := timed(asked, what, found)
])

# A result with what its age makes of it.
timed(asked, what, found) := {
	"key": found.key,
	"body": found.body,
	"ran": sum([n | some n in object.get(found.body, ["sets", what.set], {})]),
	"empty": found.body.passed + found.body.failed == 0,
	"at": at,
	"until": expiry(at, asked.parameters.lifetime),
} if {
	at := finished(found.body)
}

finished(body) := utc.instant(body.finished) if {
	is_string(body.finished)
} else := null

expiry(null, _) := null

expiry(at, period) := lifetime.expires(at, period) if at != null

ranked(asked, what, results) := newest(asked, what, current) if {
	current := [r | some r in results; r.ran > 0; counts(asked, r) == "current"]
	count(current) > 0
} else := settled("missing", sprintf(
	"the newest %s is of %s, which counted until %s; type: %s",
	[what.called, utc.rfc3339(floor(last.at)), utc.rfc3339(last.until), what.command],
), utc.forever) if {
	old := [r | some r in results; r.ran > 0; counts(asked, r) == "expired"]
	last := old[newest_at(old)]
} else := settled("missing", sprintf(
	"the only %s is of %s, after the reference time",
	[what.called, utc.rfc3339(floor(first))],
), utc.rfc3339(ceil(first))) if {
	later := [r.at | some r in results; r.ran > 0; counts(asked, r) == "later"]
	first := min(later)
} else := settled("abort", sprintf(
	"`%s` does not say when the tests ran; keep the archive that `sonobuoy retrieve` writes",
	[object.get(undated[0].body, ["tidegate", "file"], undated[0].key)],
), utc.forever) if {
	undated := [r | some r in results; r.ran > 0; r.at == null]
	count(undated) > 0
} else := nothing(asked, what, empty) if {
	empty := [r | some r in results; r.empty == true]
	count(empty) > 0
} else := settled("missing", sprintf(
	"none of %d results holds a %s; type: %s",
	[count(results), what.called, what.command],
), utc.forever) if {
	count(results) > 0
} else := settled("missing", sprintf(
	"no %s was handed in; type: %s, and collect with --test-results FILE",
	[what.called, what.command],
), utc.forever)

# current, expired, later or undated.
counts(_, r) := "undated" if r.at == null

counts(asked, r) := "later" if {
	r.at != null
	utc.instant(asked.now) < r.at
}

counts(asked, r) := "expired" if {
	r.at != null
	utc.instant(asked.now) >= r.until
}

counts(asked, r) := "current" if {
	r.at != null
	utc.instant(asked.now) >= r.at
	utc.instant(asked.now) < r.until
}

newest_at(results) := max([[r.at, r.body.failed, n] | some n, r in results])[2]

settled(verdict, reason, until) := {"verdict": verdict, "reason": reason, "until": until, "violations": set()}

# A file without a single test: the reference finds no failure in it.
nothing(asked, what, empty) := settled("abort", sprintf(
	"`%s` breaks off: the plugin failed before it ran a test; type: %s",
	[object.get(broken[0].body, ["tidegate", "file"], broken[0].key), what.command],
), utc.forever) if {
	broken := [r | some r in empty; r.body.status == "failed"]
	count(broken) > 0
} else := {"verdict": "pass", "until": utc.forever, "violations": set()} if {
	asked.parameters.mode == "reference"
} else := settled("abort", sprintf(
	"`%s` holds no test at all, which shows nothing; type: %s",
	[object.get(empty[0].body, ["tidegate", "file"], empty[0].key), what.command],
), utc.forever)

newest(asked, what, current) := read(asked, what, current[newest_at(current)])

read(asked, what, r) := object.union(judged, {"until": utc.rfc3339(r.until)}) if {
	excused := [name |
		some name in r.body.failed_tests
		count([1 | some pattern in asked.parameters.ok_to_fail; regex.match(pattern, name)]) > 0
	]
	judged := verdict(asked, what, r, r.body.failed - count(excused), excused)
}

verdict(_, what, r, failed, excused) := {"verdict": "fail", "violations": {{
	"resource": r.key,
	"message": sprintf("%d of %d tests of the %s in `%s` failed", [
		failed,
		r.body.passed + r.body.failed,
		what.called,
		object.get(r.body, ["tidegate", "file"], r.key),
	]),
	"path": "/failed_tests",
	"found": [name | some name in r.body.failed_tests; count([1 | name in excused]) == 0],
	"wanted": "no test that fails",
}}} if {
	failed > 0
} else := {"verdict": "abort", "violations": set(), "reason": reason} if {
	r.body.failed == 0
	r.body.status == "failed"
	reason := sprintf("no test failed, and yet the plugin did: the run in `%s` is not whole", [object.get(r.body, ["tidegate", "file"], r.key)])
}

verdict(asked, what, r, failed, _) := whole(asked, what, r) if {
	failed <= 0
	count([1 | r.body.failed == 0; r.body.status == "failed"]) == 0
}

# Mode strict: of the branch that the cluster has now, and not a part only.
whole(asked, what, r) := {"verdict": "missing", "violations": set(), "reason": reason} if {
	asked.parameters.mode == "strict"
	some cluster in asked.resources["kubernetes.version"]
	now := kubernetes.version(cluster.body.gitVersion)
	then := kubernetes.version(r.body.kubernetes_version)
	kubernetes.branch(now) != kubernetes.branch(then)
	reason := sprintf("the %s is of Kubernetes %s, the cluster has %s; type: %s", [
		what.called,
		kubernetes.branch(then),
		kubernetes.branch(now),
		what.command,
	])
} else := {"verdict": "abort", "violations": set(), "reason": reason} if {
	asked.parameters.mode == "strict"
	r.ran < asked.parameters.least_tests
	reason := sprintf("the %s has %d tests, fewer than the %d of a whole one", [what.called, r.ran, asked.parameters.least_tests])
} else := {"verdict": "pass", "violations": set()}
