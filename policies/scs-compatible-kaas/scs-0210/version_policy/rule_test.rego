# Until when verdicts hold, and what mode strict makes of a patch that helps nothing.
package scs.scs_0210.version_policy_more_test

import rego.v1

import data.scs.scs_0210.version_policy

known := {
	"releases": {"as_of": "2026-02-01", "branches": {
		"1.34": {"end_of_life": "2026-10-27", "releases": {
			"1.34.0": "2025-12-01T00:00:00Z",
			"1.34.1": "2026-01-10T00:00:00Z",
		}},
		"1.33": {"end_of_life": "2026-06-28", "releases": {}},
	}},
	"vulnerabilities": {"as_of": "2026-02-01", "cves": [{
		"id": "CVE-1",
		"metrics": [{"cvssV4_0": {"baseScore": 8.0}}],
		"versions": [{"version": "1.34.0", "lessThanOrEqual": "1.34.1"}],
	}]},
}

answer(now, mode) := [verdict, until] if {
	asked := {
		"resources": {"kubernetes.version": {"version": {"key": "k", "body": {"gitVersion": "v1.34.0"}}}},
		"absent": [],
		"parameters": {"mode": mode, "severe": 8},
		"now": now,
	}
	verdict := version_policy.verdict with input as asked with data.kubernetes_releases as known
	until := version_policy.valid_until with input as asked with data.kubernetes_releases as known
}

test_a_pass_holds_until_the_next_patch_is_due if {
	answer("2026-01-12T00:00:00Z", "reference") == ["pass", "2026-01-24T00:00:01Z"]
}

test_the_reference_asks_for_a_patch_that_has_the_vulnerability_too if {
	answer("2026-01-25T00:00:00Z", "reference") == ["fail", "9999-01-01T00:00:00Z"]
	answer("2026-01-25T00:00:00Z", "strict")[0] == "pass"
}

test_data_of_one_maintained_branch_are_too_old if {
	only := object.union(known, {"releases": {"branches": {"1.33": {"end_of_life": "2025-06-28"}}}})
	asked := {
		"resources": {"kubernetes.version": {"version": {"key": "k", "body": {"gitVersion": "v1.34.1"}}}},
		"absent": [],
		"parameters": {"mode": "reference", "severe": 8},
		"now": "2026-01-12T00:00:00Z",
	}
	verdict := version_policy.verdict with input as asked with data.kubernetes_releases as only
	reason := version_policy.reason with input as asked with data.kubernetes_releases as only
	verdict == "abort"
	contains(reason, "fewer than two branches")
}
