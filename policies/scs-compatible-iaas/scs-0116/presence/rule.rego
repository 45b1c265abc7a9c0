# METADATA
# title: The catalog offers a key manager
# description: >-
#   Recommended.
# scope: package
# custom:
#   id: scs-0116-presence
#   severity: low
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0116-v1-key-manager-standard
#   remediation: >-
#     Install Barbican and enter it and its endpoints into the catalog: openstack service
#     create --name barbican key-manager; openstack endpoint create --region <region>
#     key-manager public <url>
package scs.scs_0116.presence

import rego.v1

import data.scs.lib.catalog

judgement := catalog.judge(input, {"key-manager"})

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
