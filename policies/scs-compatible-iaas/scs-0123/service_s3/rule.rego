# METADATA
# title: The catalog offers S3 object storage
# description: >-
#   Demanded by the next version of the scope.
# scope: package
# custom:
#   id: scs-0123-service-s3
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0123-v2-services
#   remediation: >-
#     Enter the service and its endpoints into the catalog: openstack service create
#     --name s3 object-store-s3; openstack endpoint create --region <region>
#     object-store-s3 public <url>
package scs.scs_0123.service_s3

import rego.v1

import data.scs.lib.catalog

judgement := catalog.judge(input, {"object-store-s3"})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
