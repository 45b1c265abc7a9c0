# METADATA
# title: Gardener offers every maintained minor version
# description: >-
#   scs-0210-v2: each minor version that is maintained upstream is offered until its
#   end of life, a new one within four months of its release. Judges the versions
#   that the CloudProfiles of a Gardener list, without those that are previews or
#   have expired; missing where there is no Gardener.
# scope: package
# custom:
#   id: scs-strict-0210-cloud-profiles
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.gardener.cloud.CloudProfile]
#   absent: [core.gardener.cloud.CloudProfile]
#   visibility: member
#   requires:
#     core.gardener.cloud.CloudProfile: [/spec/kubernetes/versions]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy
#   remediation: >-
#     Add the minor version to `spec.kubernetes.versions` of the CloudProfile.
package scs_kaas_strict.scs_0210.cloud_profiles

import rego.v1

import data.kubernetes_releases
import data.scs.lib.utc
import data.scs_kaas_strict.lib.offered

profiles := input.resources["core.gardener.cloud.CloudProfile"]

now := utc.instant(input.now)

versions := {v.version |
	some p in profiles
	some v in p.body.spec.kubernetes.versions
	object.get(v, "classification", "supported") != "preview"
	current(object.get(v, "expirationDate", null))
}

current(expires) if expires == null

current(expires) if {
	expires != null
	utc.instant(expires) > now
}

judgement := offered.judge(versions, now, kubernetes_releases) if count(profiles) > 0

judgement := {"verdict": "missing", "violations": set(), "until": utc.forever, "reason": "there is no CloudProfile"} if {
	count(profiles) == 0
}

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

# Expiry dates come and go besides.
valid_until := input.now
