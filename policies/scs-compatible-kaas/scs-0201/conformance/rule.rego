# METADATA
# title: The cluster passes the conformance tests of the CNCF
# description: >-
#   Judges the newest result of a conformance run that was handed in (--test-results): no
#   test failed, but for those that `ok_to_fail` names. Mode reference takes a result
#   without a single test as passed, as the official test does; mode strict takes none,
#   asks for `least_tests` and for a run against the minor version that the cluster has.
# scope: package
# custom:
#   id: cncf-k8s-conformance
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.test_result, kubernetes.version]
#   visibility: member
#   requires:
#     kubernetes.test_result: [/passed, /failed, /failed_tests]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0201-v1-cncf-conformance
#   remediation: >-
#     Look up why the tests fail (sonobuoy results <archive> --mode dump), and run them
#     again: sonobuoy run --mode=certified-conformance --wait; sonobuoy retrieve.
#   parameters:
#     mode: reference
#     lifetime: year
#     ok_to_fail: []
#     least_tests: 250
package scs.scs_0201.conformance

import rego.v1

import data.scs.lib.test_result

judgement := test_result.judge(input, {
	"set": "conformance",
	"called": "conformance run",
	"command": "sonobuoy run --mode=certified-conformance --wait && sonobuoy retrieve",
})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
