# METADATA
# title: The catalog offers placement
# description: >-
#   Demanded by version 5.1 of the scope, though not by the text of the standard: mode
#   `strict` always passes.
# scope: package
# custom:
#   id: scs-0123-service-placement
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services
#   remediation: >-
#     Enter the service and its endpoints into the catalog: openstack service create
#     --name placement placement; openstack endpoint create --region <region> placement
#     public <url>
#   parameters:
#     mode: reference
package scs.scs_0123.service_placement

import rego.v1

import data.scs.lib.catalog

judgement := catalog.judge(input, {"placement"}) if input.parameters.mode == "reference"

judgement := {"verdict": "pass", "violations": set()} if input.parameters.mode == "strict"

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
