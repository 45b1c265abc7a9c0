# METADATA
# title: Every maintained minor version is offered, as the provider says
# description: >-
#   scs-0210-v2: each minor version that is maintained upstream is offered until its
#   end of life, a new one within four months of its release. One cluster does not
#   show what is offered: the parameter `offered` is the provider's word, a list of
#   versions. What Gardener and cluster stacks offer is judged by rules of their
#   own.
# scope: package
# custom:
#   id: scs-strict-0210-offered
#   severity: high
#   input: collection
#   per: subject
#   kinds: [kubernetes.version]
#   visibility: member
#   time: true
#   standard: https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy
#   remediation: >-
#     Offer the minor version that is named, or set the parameter: --parameter scs-
#     strict-0210-offered.offered='["1.36.5","1.35.9"]'
#   parameters:
#     offered: []
package scs_kaas_strict.scs_0210.offered

import rego.v1

import data.kubernetes_releases
import data.scs.lib.utc
import data.scs_kaas_strict.lib.offered

versions := {v | some v in input.parameters.offered}

judgement := offered.judge(versions, utc.instant(input.now), kubernetes_releases) if count(versions) > 0

judgement := {
	"verdict": "abort",
	"violations": set(),
	"until": utc.forever,
	"reason": "one cluster does not show which versions are offered; name them with the parameter `offered`",
} if {
	count(versions) == 0
}

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
