# METADATA
# title: Network policies work
# description: >-
#   Judges the newest result of Kubernetes' own tests of NetworkPolicy that was handed in
#   (--test-results): no test failed, but for those that `ok_to_fail` names. Mode
#   reference takes a result without a single test as passed, as the official test does;
#   mode strict takes none, asks for `least_tests` and for a run against the minor version
#   that the cluster has.
# scope: package
# custom:
#   id: kaas-networking-check
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.test_result, kubernetes.version]
#   visibility: member
#   requires:
#     kubernetes.test_result: [/passed, /failed, /failed_tests]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0219-v1-kaas-networking
#   remediation: >-
#     Use a network plugin that implements NetworkPolicy wholly, and run the tests again:
#     sonobuoy run --plugin e2e --e2e-focus NetworkPolicy --wait; sonobuoy retrieve.
#   parameters:
#     mode: reference
#     lifetime: month
#     ok_to_fail: []
#     least_tests: 10
package scs.scs_0219.networking

import rego.v1

import data.scs.lib.test_result

judgement := test_result.judge(input, {
	"set": "network_policy",
	"called": "run of the NetworkPolicy tests",
	"command": "sonobuoy run --plugin e2e --e2e-focus NetworkPolicy --wait && sonobuoy retrieve",
})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
