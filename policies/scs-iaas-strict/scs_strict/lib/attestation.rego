# What a signed statement about a testcase says, if it counts.
package scs_strict.lib.attestation

import rego.v1

import data.scs.lib.utc

# {"verdict": "pass" | "fail" | "missing", "reason"?, "violation"?, "until"?}
# about a testcase at a time. A statement counts if its signature is valid, from
# the day it was issued to the end of the day it expires.
judge(asked, testcase, now) := {
	"verdict": "missing",
	"reason": sprintf("nobody has attested `%s`", [testcase]),
} if {
	count(about(asked, testcase)) == 0
}

judge(asked, testcase, now) := answer(statement, testcase, utc.instant(now)) if {
	found := about(asked, testcase)
	count(found) == 1
	some statement in found
}

about(asked, testcase) := {statement |
	some statement in asked.resources["attestation.statement"]
	statement.body.testcase == testcase
}

answer(statement, testcase, _) := {
	"verdict": "missing",
	"reason": sprintf("the statement on `%s` in `%v` does not count: its signature is %v", [testcase, file(statement), status]),
} if {
	status := statement.body.tidegate.signature.status
	status != "valid"
}

answer(statement, testcase, now) := {
	"verdict": "missing",
	"reason": sprintf("the statement on `%s` in `%v` counts from %s", [testcase, file(statement), statement.body.issued]),
} if {
	statement.body.tidegate.signature.status == "valid"
	now < utc.seconds(statement.body.issued)
}

answer(statement, testcase, now) := {
	"verdict": "missing",
	"reason": sprintf("the statement on `%s` in `%v` expired on %s", [testcase, file(statement), statement.body.expires]),
} if {
	statement.body.tidegate.signature.status == "valid"
	now >= utc.seconds(statement.body.issued)
	now >= utc.seconds(statement.body.expires) + 86400
}

answer(statement, testcase, now) := {
	"verdict": "pass",
	"until": utc.rfc3339(utc.seconds(statement.body.expires) + 86400),
} if {
	counts(statement, now)
	statement.body.verdict == "pass"
}

answer(statement, testcase, now) := {
	"verdict": "fail",
	"until": utc.rfc3339(utc.seconds(statement.body.expires) + 86400),
	"violation": {
		"resource": statement.key,
		"message": sprintf("`%s` is attested as not met by `%v`: %v", [testcase, statement.body.by, statement.body.statement]),
		"path": "/verdict",
		"found": "fail",
		"wanted": "pass",
	},
} if {
	counts(statement, now)
	statement.body.verdict == "fail"
}

counts(statement, now) if {
	statement.body.tidegate.signature.status == "valid"
	now >= utc.seconds(statement.body.issued)
	now < utc.seconds(statement.body.expires) + 86400
}

file(statement) := object.get(statement.body, ["tidegate", "file"], "a file")
