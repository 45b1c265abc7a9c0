# METADATA
# title: The catalog offers block storage
# scope: package
# custom:
#   id: scs-0123-storage-apis
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
#     --name cinder block-storage; openstack endpoint create --region <region>
#     block-storage public <url>
package scs.scs_0123.storage_apis

import rego.v1

import data.scs.lib.catalog

judgement := catalog.judge(input, {"block-storage", "volume", "volumev3"})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
