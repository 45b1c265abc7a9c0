# METADATA
# title: The recommended flavor SCS-1V-2-5 exists
# description: >-
#   The reference suite wants a network disk; mode `strict` any type, as the text does.
# scope: package
# custom:
#   id: scs-0103-flavor-1v-2-5
#   severity: low
#   input: collection
#   kinds: [compute.flavor, identity.token]
#   visibility: member
#   requires:
#     compute.flavor: [/name]
#   standard: https://docs.scs.community/standards/scs-0103-v1-standard-flavors
#   remediation: >-
#     openstack flavor create --public --vcpus 1 --ram 2048 --disk 5 --property
#     scs:cpu-type=shared-core --property scs:disk0-type=network --property
#     scs:name-v1=SCS-1V:2:5 --property scs:name-v2=SCS-1V-2-5 SCS-1V-2-5. If only extra
#     specs are wrong: openstack flavor set --property <key>=<value> <flavor>
#   parameters:
#     mode: reference
package scs.scs_0103.flavor_1v_2_5

import rego.v1

import data.scs.lib.standard_flavor

judgement := standard_flavor.judge(input, data.scs.standard_flavors["scs-0103-flavor-1v-2-5"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
