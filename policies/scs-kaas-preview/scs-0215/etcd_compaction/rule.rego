# METADATA
# title: etcd compacts itself every eight hours
# description: >-
#   scs-0215-v1: etcd is started with `auto-compaction-mode=periodic` and `auto-
#   compaction-retention=8h`. Backups of etcd, and how often certificates are
#   replaced, no API shows.
# scope: package
# custom:
#   id: scs-preview-0215-etcd-compaction
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0215-v1-robustness-features
#   remediation: >-
#     Set the flags in the configuration of etcd: etcd.local.extraArgs of kubeadm.
package scs_kaas_preview.scs_0215.etcd_compaction

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "etcd")

# Eight hours as etcd understands them.
eight_hours := {"8", "8h", "8h0m", "8h0m0s", "480m", "480m0s", "28800s"}

faults := modes | retentions

# Periodic is the default.
modes := {component.fault(p, "auto-compaction-mode", value, "periodic") |
	some p in found
	value := object.get(component.flags(p), "auto-compaction-mode", "periodic")
	value != "periodic"
}

retentions := {component.fault(p, "auto-compaction-retention", value, "8h") |
	some p in found
	value := object.get(component.flags(p), "auto-compaction-retention", null)
	count({value} & eight_hours) == 0
}

judgement := component.judge(found, "etcd", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
