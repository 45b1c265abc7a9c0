# METADATA
# title: Cluster stacks offer every maintained minor version
# description: >-
#   scs-0210-v2: each minor version that is maintained upstream is offered until its
#   end of life, a new one within four months of its release. Judges the releases of
#   cluster stacks in a management cluster; missing in all others.
# scope: package
# custom:
#   id: scs-strict-0210-cluster-stacks
#   severity: high
#   input: collection
#   per: subject
#   kinds: [clusterstack.x-k8s.io.ClusterStackRelease]
#   absent: [clusterstack.x-k8s.io.ClusterStackRelease]
#   visibility: member
#   requires:
#     clusterstack.x-k8s.io.ClusterStackRelease: [/status/kubernetesVersion]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy
#   remediation: >-
#     Add a cluster stack of the minor version: its name to `spec.versions` of a
#     ClusterStack.
package scs_kaas_strict.scs_0210.cluster_stacks

import rego.v1

import data.kubernetes_releases
import data.scs.lib.utc
import data.scs_kaas_strict.lib.offered

releases := input.resources["clusterstack.x-k8s.io.ClusterStackRelease"]

versions := {r.body.status.kubernetesVersion | some r in releases}

judgement := offered.judge(versions, utc.instant(input.now), kubernetes_releases) if count(releases) > 0

judgement := {"verdict": "missing", "violations": set(), "until": utc.forever, "reason": "there is no ClusterStackRelease"} if {
	count(releases) == 0
}

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
