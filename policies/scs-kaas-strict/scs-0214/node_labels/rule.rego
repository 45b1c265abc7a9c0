# METADATA
# title: Every node says in which region and zone it is
# description: >-
#   scs-0214-v2: the labels `topology.kubernetes.io/region` and
#   `topology.kubernetes.io/zone` are on all nodes.
# scope: package
# custom:
#   id: scs-strict-0214-node-labels
#   severity: high
#   input: resource
#   kinds: [core.Node]
#   visibility: member
#   requires:
#     core.Node: [/metadata/name]
#   standard: https://docs.scs.community/standards/scs-0214-v2-k8s-node-distribution
#   remediation: >-
#     Let the cloud controller manager set the labels: it does so when it
#     initialises nodes.
package scs_kaas_strict.scs_0214.node_labels

import rego.v1

import data.scs.lib.node

faults := node.unlabelled([input.resource])

verdict := "pass" if count(faults) == 0

verdict := "fail" if count(faults) > 0

violations contains v if some v in faults
