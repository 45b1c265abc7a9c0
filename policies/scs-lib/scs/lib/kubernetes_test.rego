# Recorded: answers of the reference suite at commit 077174d9 (2026-08-21).
package scs.lib.kubernetes_test

import rego.v1

import data.scs.lib.kubernetes

test_versions_are_read_as_recorded if {
	kubernetes.version("v1.2.3") == [1, 2, 3]
	kubernetes.version("1.29.3") == [1, 29, 3]
	kubernetes.version("v1.31") == null
	kubernetes.version("abc") == null
}

test_affected_versions_are_read_as_recorded if {
	kubernetes.affected({"version": "1.2.3"}) == {"lower": [1, 2, 3], "upper": null, "inclusive": false}
	kubernetes.affected({"version": "1.2.3", "lessThanOrEqual": "1.3.0"}) == {"lower": [1, 2, 3], "upper": [1, 3, 0], "inclusive": true}
	kubernetes.affected({"version": "v1.25.x"}) == {"lower": [1, 25, 0], "upper": [1, 25, 0], "inclusive": false}
	kubernetes.affected({"version": "0", "lessThan": "1.30.1"}) == {"lower": [0, 0, 0], "upper": [1, 30, 1], "inclusive": false}
}

test_scores_are_read_as_recorded if {
	kubernetes.severe([{"cvssV3_1": {"baseScore": 8.0}}], 8) == true
	kubernetes.severe([{"cvssV3_1": {"baseScore": 7.9}}, {"cvssV3_0": {"baseScore": 8.0}}], 8) == true
	kubernetes.severe([{"other": {"type": "x"}}], 8) == false
}

test_a_version_alone_and_ranges_hold_what_they_say if {
	kubernetes.within([1, 2, 3], kubernetes.affected({"version": "1.2.3"}))
	count([1 | kubernetes.within([1, 2, 4], kubernetes.affected({"version": "1.2.3"}))]) == 0
	kubernetes.within([1, 3, 0], kubernetes.affected({"version": "1.2.3", "lessThanOrEqual": "1.3.0"}))
	count([1 | kubernetes.within([1, 30, 1], kubernetes.affected({"version": "0", "lessThan": "1.30.1"}))]) == 0
}

# What may be left out of a version, and what may not.
test_versions_of_vendors_are_not_guessed if {
	kubernetes.version("v1.36.2+k3s1") == [1, 36, 2]
	kubernetes.version("v1.36.0-rc.1") == null
	kubernetes.version("v1.29.4-eks-036c24b") == null
	kubernetes.version(null) == null
}
