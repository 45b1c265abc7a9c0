# What a signed statement is worth at the reference time.
package scs.lib.attestation

import rego.v1

import data.scs.lib.utc

# {"verdict", "reason"?, "violations", "until"} on a testcase that people decide.
#
# A statement counts with a valid signature, from the day it was issued to the
# end of the day it expires, at most one year. Otherwise the evidence is missing.
judge(asked, testcase) := answer("missing", sprintf("nobody has attested `%s`; write and sign a statement", [testcase]), utc.forever) if {
	not asked.resources["attestation.statement"][testcase]
}

judge(asked, testcase) := signed(found, testcase, asked.now) if {
	found := asked.resources["attestation.statement"][testcase]
}

signed(found, testcase, _) := answer(
	"missing",
	sprintf("the statement in `%v` on `%s` has a signature that is %v%s", [
		object.get(found.body, ["tidegate", "file"], "an unnamed file"),
		testcase,
		status(found),
		problem(object.get(found.body, ["tidegate", "signature", "problem"], null)),
	]),
	utc.forever,
) if {
	status(found) != "valid"
}

signed(found, testcase, time) := timed(found, testcase, {
	"now": utc.instant(time),
	"issued": begin(found.body.issued),
	"expires": min([begin(found.body.expires) + 86400, key_end(found)]),
	"longest": year_after(found.body.issued),
}) if {
	status(found) == "valid"
	dated(found) == true
}

signed(found, testcase, _) := answer(
	"missing",
	sprintf("the statement on `%s` has no readable dates: issued `%v`, expires `%v`", [
		testcase,
		object.get(found.body, "issued", null),
		object.get(found.body, "expires", null),
	]),
	utc.forever,
) if {
	status(found) == "valid"
	dated(found) == false
}

dated(found) := count([d | some d in dates; d != null]) == 2 if {
	dates := [begin(object.get(found.body, name, null)) | some name in ["issued", "expires"]]
}

timed(_, testcase, at) := answer(
	"missing",
	sprintf("the statement on `%s` counts for more than a year, from %s to the end of %s", [
		testcase,
		day(at.issued),
		day(at.expires - 86400),
	]),
	utc.forever,
) if {
	at.expires - 86400 > at.longest
}

timed(_, testcase, at) := answer(
	"missing",
	sprintf("the statement on `%s` counts from %s on", [testcase, day(at.issued)]),
	utc.rfc3339(at.issued),
) if {
	at.expires - 86400 <= at.longest
	at.now < at.issued
}

timed(_, testcase, at) := answer(
	"missing",
	sprintf("the statement on `%s` expired with the end of %s; issue and sign a new one", [testcase, day(at.expires - 86400)]),
	utc.forever,
) if {
	at.expires - 86400 <= at.longest
	at.now >= at.issued
	at.now >= at.expires
}

timed(found, testcase, at) := object.union(said(found, testcase), {"until": utc.rfc3339(at.expires)}) if {
	at.expires - 86400 <= at.longest
	at.now >= at.issued
	at.now < at.expires
}

said(found, _) := {"verdict": "pass", "violations": set()} if found.body.verdict == "pass"

said(found, testcase) := {"verdict": "fail", "violations": {{
	"resource": found.key,
	"message": sprintf("%v attests that `%s` is not met: %v", [
		object.get(found.body, "by", "somebody"),
		testcase,
		object.get(found.body, "statement", "nothing further is said"),
	]),
	"path": "/verdict",
	"found": "fail",
	"wanted": "pass",
}}} if {
	found.body.verdict == "fail"
}

said(found, testcase) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("the statement on `%s` says `%v`, neither pass nor fail", [testcase, object.get(found.body, "verdict", null)]),
} if {
	count({object.get(found.body, "verdict", null)} & {"pass", "fail"}) == 0
}

# When the signer's key stops counting: a statement does not outlive it.
key_end(found) := utc.instant(text) + 1 if {
	text := object.get(found.body, ["tidegate", "signature", "valid_until"], null)
	is_string(text)
} else := utc.seconds(utc.forever)

answer(verdict, reason, until) := {"verdict": verdict, "reason": reason, "until": until, "violations": set()}

status(found) := object.get(found.body, ["tidegate", "signature", "status"], "absent")

problem(null) := ""

problem(text) := sprintf(": %v", [text]) if text != null

# Seconds of the first moment of a day written YYYY-MM-DD, null for anything else.
begin(text) := utc.seconds(text) if {
	is_string(text)
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, text)
} else := null

year_after(text) := utc.days(utc.number(parts[0]) + 1, utc.number(parts[1]), utc.number(parts[2])) * 86400 if {
	parts := split(text, "-")
}

day(seconds) := utc.date(floor(seconds / 86400))
