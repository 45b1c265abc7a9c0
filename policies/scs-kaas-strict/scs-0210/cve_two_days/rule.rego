# METADATA
# title: Severe vulnerabilities are mended within two days
# description: >-
#   scs-0210-v2, recommended: a patch for a vulnerability with a CVSS base score of
#   8 (`severe`) or more is there within two days of its release. Releases and
#   vulnerabilities are data of the bundle `kubernetes-releases`; where these are
#   older than two days, only a fail can be told.
# scope: package
# custom:
#   id: scs-strict-0210-cve-two-days
#   severity: low
#   input: collection
#   per: subject
#   kinds: [kubernetes.version]
#   visibility: member
#   requires:
#     kubernetes.version: [/gitVersion]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy
#   remediation: >-
#     Upgrade the control plane to the patch that is named, then the nodes.
#   parameters:
#     severe: 8
package scs_kaas_strict.scs_0210.cve_two_days

import rego.v1

import data.kubernetes_releases
import data.scs.lib.kubernetes

judgement := kubernetes.cluster(input, {
	"known": kubernetes_releases,
	"days": {"cve": 2},
	"least": input.parameters.severe,
	"fixed": true,
})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
