# METADATA
# title: Availability zones are attested to be fire zones of their own
# description: >-
#   scs-0121-v1, "Standard": where there are several compute availability zones, they lie
#   in different fire zones, each with redundant power lines, external connections and
#   core routers. No API shows that: a signed statement on `availability-zones-check` has
#   to say it. One zone demands nothing. `internal_zone` is Nova's
#   `internal_service_availability_zone`, which holds no servers.
# scope: package
# custom:
#   id: scs-strict-0121-zones
#   severity: medium
#   input: collection
#   kinds: [compute.availability_zone, attestation.statement]
#   visibility: member
#   time: true
#   requires:
#     compute.availability_zone: [/zoneName]
#   standard: https://docs.scs.community/standards/scs-0121-v1-Availability-Zones-Standard#standard
#   remediation: >-
#     Write a statement on the testcase availability-zones-check with the documents that
#     show fire zones, power, connections and routers of each zone, and sign it.
#   parameters:
#     internal_zone: internal
package scs_strict.scs_0121.zones

import rego.v1

import data.scs.lib.attestation
import data.scs.lib.utc

zones := {z.body.zoneName | some z in input.resources["compute.availability_zone"]} - {input.parameters.internal_zone}

several if count(zones) > 1

statement := attestation.judge(input, "availability-zones-check")

verdict := "abort" if count(input.resources["compute.availability_zone"]) == 0

verdict := "pass" if {
	count(input.resources["compute.availability_zone"]) > 0
	count(zones) <= 1
}

verdict := statement.verdict if several

reason := "Nova shows no availability zone" if count(input.resources["compute.availability_zone"]) == 0

reason := sprintf("there are the zones %s: %s", [concat(", ", sort(zones)), statement.reason]) if several

valid_until := statement.until if several

valid_until := utc.forever if count(zones) <= 1

violations contains v if {
	verdict == "fail"
	some v in statement.violations
}
