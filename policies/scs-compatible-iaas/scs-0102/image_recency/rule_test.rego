# Until when verdicts hold, which cases cannot say.
package scs.scs_0102.image_recency_test

import rego.v1

import data.scs.scs_0102.image_recency

asked(build, provided, now) := {
	"resources": {"image.image": {"i": {"key": "i", "body": {
		"name": "Ubuntu 24.04",
		"visibility": "public",
		"created_at": "2026-01-01T10:00:00Z",
		"image_build_date": build,
		"replace_frequency": "monthly",
		"provided_until": provided,
		"tidegate": {"listings": ["member"]},
	}}}},
	"absent": [],
	"parameters": {"mode": "reference"},
	"now": now,
}

# 31 days and a tenth.
test_a_current_image_holds_until_it_is_due if {
	got := image_recency.valid_until with input as asked("2026-01-01", "2029-04-30", "2026-01-02T00:00:00Z")
	got == "2026-02-04T02:24:00Z"
}

test_an_outdated_image_fails_until_it_is_no_longer_provided if {
	given := asked("2026-01-01", "2029-04-30", "2026-03-01T00:00:00Z")
	verdict := image_recency.verdict with input as given
	verdict == "fail"
	got := image_recency.valid_until with input as given
	got == "2029-04-30T00:00:00Z"
}

test_an_image_that_is_no_longer_provided_passes_for_good if {
	given := asked("2026-01-01", "2026-02-20", "2026-03-01T00:00:00Z")
	verdict := image_recency.verdict with input as given
	verdict == "pass"
	got := image_recency.valid_until with input as given
	got == "9999-01-01T00:00:00Z"
}
