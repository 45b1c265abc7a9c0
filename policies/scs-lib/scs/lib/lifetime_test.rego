# Recorded: the calendar of the SCS monitor at commit 077174d9 (2026-08-21).
package scs.lib.lifetime_test

import rego.v1

import data.scs.lib.lifetime
import data.scs.lib.utc

# Period, time of the check, time from which it no longer counts. A testcase
# that names no period has a week.
recorded := [
	["day", "2026-11-22T06:00:00Z", "2026-11-24T00:00:00Z"],
	["day", "2026-10-31T23:59:00Z", "2026-11-02T00:00:00Z"],
	["day", "2026-01-31T00:00:00Z", "2026-02-02T00:00:00Z"],
	["day", "2026-06-30T00:00:00Z", "2026-07-02T00:00:00Z"],
	["day", "2028-02-29T05:05:00Z", "2028-03-02T00:00:00Z"],
	["week", "2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z"],
	["week", "2026-12-31T12:00:00Z", "2027-01-11T00:00:00Z"],
	["week", "2026-03-15T00:00:00Z", "2026-03-23T00:00:00Z"],
	["week", "2026-09-30T00:00:00Z", "2026-10-12T00:00:00Z"],
	["week", "2026-11-22T06:00:00Z", "2026-11-30T00:00:00Z"], # no period
	["week", "2026-10-31T23:59:00Z", "2026-11-09T00:00:00Z"], # no period
	["week", "2026-01-31T00:00:00Z", "2026-02-09T00:00:00Z"], # no period
	["week", "2026-06-30T00:00:00Z", "2026-07-13T00:00:00Z"], # no period
	["week", "2028-02-29T05:05:00Z", "2028-03-13T00:00:00Z"], # no period
	["month", "2026-11-23T00:00:00Z", "2027-01-01T00:00:00Z"],
	["month", "2026-12-31T12:00:00Z", "2027-02-01T00:00:00Z"],
	["month", "2026-03-15T00:00:00Z", "2026-05-01T00:00:00Z"],
	["month", "2026-09-30T00:00:00Z", "2026-11-01T00:00:00Z"],
	["quarter", "2026-11-22T06:00:00Z", "2027-04-01T00:00:00Z"],
	["quarter", "2026-10-31T23:59:00Z", "2027-04-01T00:00:00Z"],
	["quarter", "2026-01-31T00:00:00Z", "2026-07-01T00:00:00Z"],
	["quarter", "2026-06-30T00:00:00Z", "2026-10-01T00:00:00Z"],
	["quarter", "2028-02-29T05:05:00Z", "2028-07-01T00:00:00Z"],
	["year", "2026-11-23T00:00:00Z", "2028-01-01T00:00:00Z"],
	["year", "2026-12-31T12:00:00Z", "2028-02-01T00:00:00Z"],
	["year", "2026-03-15T00:00:00Z", "2027-05-01T00:00:00Z"],
	["year", "2026-09-30T00:00:00Z", "2027-11-01T00:00:00Z"],
]

wrong contains entry if {
	some entry in recorded
	got := utc.rfc3339(lifetime.expires(utc.seconds(entry[1]), entry[0]))
	got != entry[2]
}

right := [entry |
	some entry in recorded
	utc.rfc3339(lifetime.expires(utc.seconds(entry[1]), entry[0])) == entry[2]
]

test_all_recorded if {
	wrong == set()
	count(right) == 27
}

test_fractions_of_a_second_count if {
	lifetime.expires(utc.instant("2026-11-22T23:59:59.75Z"), "day") == utc.seconds("2026-11-24")
}
