# One verdict from the answers about several things.
#
# An answer is {"wrong": {violation, ..}, "unknown": {text, ..}}. Something of
# which there is no answer leaves the verdict undefined, which is no pass.
package scs_strict.lib.tally

import rego.v1

verdict(answers, total) := "fail" if {
	count(answers) == total
	count(wrong(answers)) > 0
}

verdict(answers, total) := "abort" if {
	count(answers) == total
	count(wrong(answers)) == 0
	count(unknown(answers)) > 0
}

verdict(answers, total) := "pass" if {
	count(answers) == total
	count(wrong(answers)) == 0
	count(unknown(answers)) == 0
}

wrong(answers) := {violation | some answer in answers; some violation in answer.wrong}

unknown(answers) := {text | some answer in answers; some text in answer.unknown}

# At most three of the texts, and how many more there are.
reason(answers) := concat("; ", texts) if {
	texts := sort(unknown(answers))
	count(texts) <= 3
}

reason(answers) := sprintf("%s; and %d more", [concat("; ", array.slice(texts, 0, 3)), count(texts) - 3]) if {
	texts := sort(unknown(answers))
	count(texts) > 3
}

# Names in order, at most five.
some_of(names) := concat(", ", [sprintf("`%v`", [n]) | some n in sort(names)]) if count(names) <= 5

some_of(names) := sprintf("%s and %d more", [concat(", ", [sprintf("`%v`", [n]) | some n in array.slice(sort(names), 0, 5)]), count(names) - 5]) if {
	count(names) > 5
}
