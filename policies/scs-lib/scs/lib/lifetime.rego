# How long the result of a testcase counts, in the calendar of the SCS monitor.
#
# Results outlast the interval at which a testcase is to be run, always to the
# end of a day, week (Sunday), month or quarter in UTC.
package scs.lib.lifetime

import rego.v1

import data.scs.lib.utc

# The second since 1970 from which on a result obtained at the second `checked`
# no longer counts; `period` is day, week, month, quarter or year.
expires(checked, period) := first_day(period, floor(checked / 86400)) * 86400

first_day("day", day) := day + 2

# The Monday after a week has passed; a Monday itself is not after.
first_day("week", day) := (day + 14) - weekday(day)

first_day("month", day) := month_begin(month_of(day) + 2)

first_day("quarter", day) := month_begin((floor(month_of(day) / 3) * 3) + 6)

first_day("year", day) := month_begin(month_of(day) + 14)

# Monday is 0; 1970 began on a Thursday.
weekday(day) := (day + 3) % 7

# Months since the year 0.
month_of(day) := ((utc.number(parts[0]) * 12) + utc.number(parts[1])) - 1 if {
	parts := split(utc.date(day), "-")
}

month_begin(month) := utc.days(floor(month / 12), (month % 12) + 1, 1)
