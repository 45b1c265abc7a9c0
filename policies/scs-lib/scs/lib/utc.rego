# Dates as image properties spell them, as seconds since 1970, and back.
#
# Plain arithmetic instead of the `time` functions: those end in the year 2262
# (an image may well be provided until 9999), and engines differ in what they
# accept.
package scs.lib.utc

import rego.v1

# After every deadline: the answer does not change with time.
forever := "9999-01-01T00:00:00Z"

# The spellings that scs-0102 allows, as Python's `strptime` reads them: zeros may be
# left out, a day may have a blank instead, any blanks may stand between day and
# time, and digits are those of all scripts. One expression, since each costs time:
# year, month, day, then hour, minute and second with `T` and `Z` or with blanks.
form := concat("", [
	"^", day_form,
	"(?:[Tt]", hour_form, ":", minute_form, ":", minute_form, "[Zz]",
	"|", blanks, hour_form, ":", minute_form, "(?::", minute_form, ")?)?$",
])

day_form := `(\p{Nd}{4})-(1[0-2]|0[1-9]|[1-9])-(3[01]|[12]\p{Nd}|0[1-9]|[1-9]| [1-9])`

hour_form := `(2[0-3]|[01]\p{Nd}|\p{Nd})`

minute_form := `([0-5]\p{Nd}|\p{Nd})`

blanks := `[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+`

# Seconds of a date in one of the forms; null for everything else.
seconds(text) := total if {
	spelt := sprintf("%v", [text])
	found := regex.find_all_string_submatch_n(form, spelt, 1)
	count(found) == 1
	latin := regex.match(`^[\x00-\x7f]*$`, spelt)
	groups := found[0]
	year := number(ascii(groups[1], latin))
	month := number(ascii(groups[2], latin))
	day := number(ascii(groups[3], latin))
	hour := number(ascii(concat("", [groups[4], groups[7]]), latin))
	minute := number(ascii(concat("", [groups[5], groups[8]]), latin))
	second := number(ascii(concat("", [groups[6], groups[9]]), latin))
	year >= 1
	is_day(year, month, day)
	total := (((days(year, month, day) * 86400) + (hour * 3600)) + (minute * 60)) + second
} else := null

# Seconds of an RFC 3339 time in UTC, fraction included.
instant(text) := whole + fraction if {
	groups := regex.find_all_string_submatch_n(`^([^.Z]+)(?:\.([0-9]+))?Z$`, text, 1)
	whole := seconds(concat("", [groups[0][1], "Z"]))
	fraction := to_number(concat("", ["0.", groups[0][2], "0"]))
}

# RFC 3339 of whole seconds; `forever` beyond that.
rfc3339(total) := forever if {
	total >= seconds(forever)
} else := sprintf("%sT%s:%s:%sZ", [date(day), two(hour), two(minute), two(second)]) if {
	day := floor(total / 86400)
	rest := total - (day * 86400)
	hour := floor(rest / 3600)
	minute := floor((rest - (hour * 3600)) / 60)
	second := (rest - (hour * 3600)) - (minute * 60)
}

# The number that decimal digits write; 0 for none.
number(digits) := 0 if {
	trim_left(digits, "0") == ""
} else := to_number(trim_left(digits, "0"))

# Digits, perhaps after a blank, as plain digits; the second argument says whether
# they may only be those.
ascii(digits, true) := trim_space(digits)

ascii(digits, false) := concat("", [value |
	some digit in regex.find_n(`\p{Nd}`, digits, -1)
	some n, row in data.scs.lib.digits.values
	contains(row, digit)
	value := sprintf("%d", [n])
])

two(n) := sprintf("0%d", [n]) if {
	n < 10
} else := sprintf("%d", [n])

is_day(year, month, day) := true in {long, short, february, leap_day} if {
	known := {day >= 1, day <= 31, month >= 1, month <= 12} == {true}
	long := {known, month in {1, 3, 5, 7, 8, 10, 12}} == {true}
	short := {known, month in {4, 6, 9, 11}, day <= 30} == {true}
	february := {known, month == 2, day <= 28} == {true}
	leap_day := {month == 2, day == 29, leap(year)} == {true}
}

leap(year) := true in {fourth, century} if {
	fourth := {year % 4 == 0, year % 100 != 0} == {true}
	century := year % 400 == 0
}

# Days from 1970-01-01 in the Gregorian calendar; the year begins in March, so
# that the leap day is its last.
days(year, month, day) := ((((365 * y) + floor(y / 4)) - floor(y / 100)) + floor(y / 400)) + ((floor(((153 * m) + 2) / 5) + day) - 719469) if {
	y := year - early(month)
	m := (month + 9) % 12
}

early(month) := 1 if {
	month <= 2
} else := 0

# The inverse of `days`, as YYYY-MM-DD.
date(day) := sprintf("%d-%s-%s", [year, two(month), two(day_of_month)]) if {
	shifted := day + 719468
	era := floor(shifted / 146097)
	doe := shifted - (era * 146097)
	yoe := floor((((doe - floor(doe / 1460)) + floor(doe / 36524)) - floor(doe / 146096)) / 365)
	doy := doe - (((365 * yoe) + floor(yoe / 4)) - floor(yoe / 100))
	m := floor(((5 * doy) + 2) / 153)
	day_of_month := (doy - floor(((153 * m) + 2) / 5)) + 1
	month := ((m + 2) % 12) + 1
	year := (yoe + (era * 400)) + early(month)
}
