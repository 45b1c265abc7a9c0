# METADATA
# title: The provider documents what availability zones are made of
# description: >-
#   Decided by people: fire zones, one availability zone for each, and redundant power,
#   external connections and core routers of each zone. A cloud with one zone attests
#   that.
# scope: package
# custom:
#   id: availability-zones-check
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [attestation.statement]
#   visibility: member
#   time: true
#   standard: https://docs.scs.community/standards/scs-0121-v1-Availability-Zones-Standard
#   remediation: >-
#     Write a statement on fire zones, power, external connections and core routers of
#     each availability zone, with `testcase: availability-zones-check` and the documents
#     it rests on; sign it: ssh-keygen -Y sign -f <key> -n attestation <file>; and collect
#     again with it.
package scs.scs_0121.zones_check

import rego.v1

import data.scs.lib.attestation

judgement := attestation.judge(input, "availability-zones-check")

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
