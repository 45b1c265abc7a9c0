# Until when verdicts on a probe hold, which cases cannot say.
package scs.scs_0101.entropy_avail_test

import rego.v1

import data.scs.scs_0101.entropy_avail

asked(outcome, now) := {
	"resources": {"probe.entropy": {"self": {"key": "k", "body": {
		"probed_at": "2026-11-23T07:00:00.5Z",
		"outcome": outcome,
		"reason": "no answer",
		"output": {"entropy-avail": ["256"]},
	}}}},
	"absent": [],
	"parameters": {"lifetime": "week"},
	"now": now,
}

answer(given) := [verdict, until] if {
	verdict := entropy_avail.verdict with input as given
	until := entropy_avail.valid_until with input as given
}

test_a_result_holds_until_it_no_longer_counts if {
	answer(asked("done", "2026-11-24T00:00:00Z")) == ["pass", "2026-12-07T00:00:00Z"]
	answer(asked("failed", "2026-11-24T00:00:00Z")) == ["abort", "2026-12-07T00:00:00Z"]
}

test_a_result_that_no_longer_counts_never_will if {
	answer(asked("done", "2026-12-07T00:00:00Z")) == ["missing", "9999-01-01T00:00:00Z"]
}

test_a_result_of_later_counts_then if {
	answer(asked("done", "2026-11-23T07:00:00Z")) == ["missing", "2026-11-23T07:00:01Z"]
}

test_without_a_result_nothing_changes_by_itself if {
	none := json.remove(asked("done", "2026-11-24T00:00:00Z"), ["resources/probe.entropy/self"])
	answer(none) == ["missing", "9999-01-01T00:00:00Z"]
}
