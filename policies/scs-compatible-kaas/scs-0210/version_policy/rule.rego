# METADATA
# title: The version of Kubernetes is maintained and has the patches that it must have
# description: >-
#   scs-0210-v2: the minor version is not at its end of life, a later patch of it is there
#   within a month of its release, and within two weeks if the version has a vulnerability
#   with a CVSS base score of 8 (`severe`) or more. Releases and vulnerabilities are data of the
#   bundle `kubernetes-releases`; where these are too old to tell, there is no verdict.
#   Which minor versions a provider offers, one cluster does not show:
#   scs-strict-0210-offered.
# scope: package
# custom:
#   id: version-policy-check
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.version]
#   visibility: member
#   requires:
#     kubernetes.version: [/gitVersion]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy
#   remediation: >-
#     Upgrade the control plane to the newest patch of a maintained minor version, then
#     the nodes.
#   parameters:
#     mode: reference
#     severe: 8
package scs.scs_0210.version_policy

import rego.v1

import data.kubernetes_releases
import data.scs.lib.kubernetes

judgement := kubernetes.cluster(input, {
	"known": kubernetes_releases,
	"days": {"patch": 31, "cve": 14},
	"least": input.parameters.severe,
	"fixed": input.parameters.mode == "strict",
})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
