# METADATA
# title: Some volume type is replicated
# description: >-
#   Recommended.
# scope: package
# custom:
#   id: scs-0114-replicated-type
#   severity: low
#   input: collection
#   kinds: [block-storage.type, identity.token]
#   visibility: member
#   standard: https://docs.scs.community/standards/scs-0114-v1-volume-type-standard
#   remediation: >-
#     Say so of a type that is replicated, at the very beginning of its description:
#     openstack volume type set --description "[scs:replicated] …" <type>
#   parameters:
#     mode: reference
package scs.scs_0114.replicated_type

import rego.v1

import data.scs.lib.volume_type

judgement := volume_type.judge(input, "replicated")

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
