# METADATA
# title: The recommended flavor SCS-8V-64 exists
# scope: package
# custom:
#   id: scs-0103-flavor-8v-64
#   severity: low
#   input: collection
#   kinds: [compute.flavor, identity.token]
#   visibility: member
#   requires:
#     compute.flavor: [/name]
#   standard: https://docs.scs.community/standards/scs-0103-v1-standard-flavors
#   remediation: >-
#     openstack flavor create --public --vcpus 8 --ram 65536 --disk 0 --property
#     scs:cpu-type=shared-core --property scs:name-v1=SCS-8V:64 --property
#     scs:name-v2=SCS-8V-64 SCS-8V-64. If only extra specs are wrong: openstack flavor set
#     --property <key>=<value> <flavor>
#   parameters:
#     mode: reference
package scs.scs_0103.flavor_8v_64

import rego.v1

import data.scs.lib.standard_flavor

judgement := standard_flavor.judge(input, data.scs.standard_flavors["scs-0103-flavor-8v-64"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
