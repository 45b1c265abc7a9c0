# METADATA
# title: The catalog offers load-balancer
# scope: package
# custom:
#   id: scs-0123-service-load-balancer
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services
#   remediation: >-
#     Enter the service and its endpoints into the catalog: openstack service create
#     --name octavia load-balancer; openstack endpoint create --region <region>
#     load-balancer public <url>
package scs.scs_0123.service_load_balancer

import rego.v1

import data.scs.lib.catalog

judgement := catalog.judge(input, {"load-balancer"})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
