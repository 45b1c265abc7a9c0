# METADATA
# title: The API server limits events
# description: >-
#   scs-0215-v1: the admission plugin EventRateLimit is enabled. Its limits stand in
#   a file that no API shows.
# scope: package
# custom:
#   id: scs-preview-0215-event-rate-limit
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0215-v1-robustness-features
#   remediation: >-
#     Enable the plugin, with a file of limits: --enable-admission-
#     plugins=…,EventRateLimit and --admission-control-config-file.
package scs_kaas_preview.scs_0215.event_rate_limit

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "kube-apiserver")

faults := {component.fault(p, "enable-admission-plugins", value, "EventRateLimit among them") |
	some p in found
	flags := component.flags(p)
	value := object.get(flags, "enable-admission-plugins", null)
	count({"EventRateLimit"} & component.list(flags, "enable-admission-plugins")) == 0
}

judgement := component.judge(found, "kube-apiserver", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
