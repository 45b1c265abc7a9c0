# METADATA
# title: Policies for the whole cluster are on offer
# description: >-
#   scs-0219-v1, recommended: the API of AdminNetworkPolicy is served.
# scope: package
# custom:
#   id: scs-strict-0219-admin-network-policy
#   severity: low
#   input: collection
#   per: subject
#   kinds: [kubernetes.api]
#   visibility: member
#   requires:
#     kubernetes.api: [/group, /kind]
#   standard: https://docs.scs.community/standards/scs-0219-v1-kaas-networking
#   remediation: >-
#     Install the custom resource definitions of the Network Policy API, with a
#     plugin that implements them.
package scs_kaas_strict.scs_0219.admin_network_policy

import rego.v1

served := {a.body.kind | some a in input.resources["kubernetes.api"]; a.body.group == "policy.networking.k8s.io"}

found := served & {"AdminNetworkPolicy", "ClusterNetworkPolicy"}

verdict := "pass" if count(found) > 0

verdict := "fail" if count(found) == 0

violations contains {
	"message": "the cluster serves no AdminNetworkPolicy",
	"found": sort(served),
	"wanted": "AdminNetworkPolicy",
} if {
	verdict == "fail"
}
