# Until when verdicts on a statement hold, which cases cannot say.
package scs.scs_0121.zones_check_test

import rego.v1

import data.scs.scs_0121.zones_check

asked(now) := {
	"resources": {"attestation.statement": {"availability-zones-check": {"key": "k", "body": {
		"verdict": "pass",
		"issued": "2026-11-01",
		"expires": "2027-10-31",
		"tidegate": {"signature": {"status": "valid"}},
	}}}},
	"absent": [],
	"parameters": {},
	"now": now,
}

answer(given) := [verdict, until] if {
	verdict := zones_check.verdict with input as given
	until := zones_check.valid_until with input as given
}

test_a_statement_holds_to_the_end_of_its_last_day if {
	answer(asked("2026-11-24T00:00:00Z")) == ["pass", "2027-11-01T00:00:00Z"]
}

test_a_statement_counts_from_the_day_of_issue if {
	answer(asked("2026-10-01T00:00:00Z")) == ["missing", "2026-11-01T00:00:00Z"]
}

test_an_expired_statement_never_counts_again if {
	answer(asked("2027-11-01T00:00:00Z")) == ["missing", "9999-01-01T00:00:00Z"]
}
