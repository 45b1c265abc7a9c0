# METADATA
# title: Namespaces deny incoming traffic unless it is allowed
# description: >-
#   Some NetworkPolicy or CiliumNetworkPolicy chooses all pods for ingress, and none lets
#   everything in. Policies for the whole cluster (Cilium, Calico, AdminNetworkPolicy) may
#   do the same: where there are any, a namespace without a policy of its own is not judged.
#   Whether the network enforces policies at all is not seen. Namespaces in
#   `exempt_namespaces` are left out.
# scope: package
# custom:
#   id: k8s.ns.no-network-policy
#   severity: medium
#   input: collection
#   per: subject
#   kinds:
#   - core.Namespace
#   - networking.k8s.io.NetworkPolicy
#   - cilium.io.CiliumNetworkPolicy
#   - cilium.io.CiliumClusterwideNetworkPolicy
#   - crd.projectcalico.org.GlobalNetworkPolicy
#   - policy.networking.k8s.io.AdminNetworkPolicy
#   - policy.networking.k8s.io.BaselineAdminNetworkPolicy
#   - policy.networking.k8s.io.ClusterNetworkPolicy
#   absent:
#   - cilium.io.CiliumNetworkPolicy
#   - cilium.io.CiliumClusterwideNetworkPolicy
#   - crd.projectcalico.org.GlobalNetworkPolicy
#   - policy.networking.k8s.io.AdminNetworkPolicy
#   - policy.networking.k8s.io.BaselineAdminNetworkPolicy
#   - policy.networking.k8s.io.ClusterNetworkPolicy
#   requires:
#     core.Namespace: [/metadata/name]
#     networking.k8s.io.NetworkPolicy: [/metadata/namespace]
#   controls: ['kubescape:C-0260', 'kubescape:C-0054']
#   standard: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-traffic
#   remediation: >-
#     Create policies for the traffic that is wanted, then a NetworkPolicy with
#     `podSelector: {}` and `policyTypes: [Ingress]`. What no policy allows stops at once.
#   parameters:
#     exempt_namespaces: [kube-system, kube-public, kube-node-lease]
package k8s.ns.no_network_policy

import rego.v1

import data.k8s.lib.names

wide_kinds := [
	"cilium.io.CiliumClusterwideNetworkPolicy",
	"crd.projectcalico.org.GlobalNetworkPolicy",
	"policy.networking.k8s.io.AdminNetworkPolicy",
	"policy.networking.k8s.io.BaselineAdminNetworkPolicy",
	"policy.networking.k8s.io.ClusterNetworkPolicy",
]

wide contains policy.key if {
	some kind in wide_kinds
	some policy in input.resources[kind]
}

# Namespaces in which a policy is about the incoming traffic of all pods.
denied contains policy.body.metadata.namespace if {
	some policy in input.resources["networking.k8s.io.NetworkPolicy"]
	for_all(object.get(policy.body.spec, "podSelector", {}))
	incoming(policy.body.spec)
}

denied contains policy.body.metadata.namespace if {
	some policy in input.resources["cilium.io.CiliumNetworkPolicy"]
	for_all(policy.body.spec.endpointSelector)
	policy.body.spec.ingress
}

# Namespaces in which a policy lets everything in to all pods.
open contains policy.body.metadata.namespace if {
	some policy in input.resources["networking.k8s.io.NetworkPolicy"]
	for_all(object.get(policy.body.spec, "podSelector", {}))
	some allowed in policy.body.spec.ingress
	count(object.get(allowed, "from", [])) == 0
	count(object.get(allowed, "ports", [])) == 0
}

for_all(selector) if {
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

# A policy that does not say is about incoming traffic.
incoming(spec) if "Ingress" in object.get(spec, "policyTypes", ["Ingress"])

lacking := {namespace |
	some namespace in input.resources["core.Namespace"]
	name := namespace.body.metadata.name
	not name in (denied - open)
	not exempt(namespace)
}

exempt(namespace) if names.listed(input.parameters.exempt_namespaces, namespace.body.metadata.name)

# Those of which that is certain, whatever a policy for the whole cluster says.
certain contains namespace if {
	some namespace in lacking
	count(wide) == 0
}

certain contains namespace if {
	some namespace in lacking
	namespace.body.metadata.name in open
}

violations contains {
	"resource": namespace.key,
	"message": sprintf("namespace `%s` lets in traffic from everywhere: %s", [namespace.body.metadata.name, why(namespace.body.metadata.name)]),
	"path": "",
	"found": null,
	"wanted": {"podSelector": {}, "policyTypes": ["Ingress"]},
} if {
	some namespace in certain
}

why(name) := "a policy allows it for all pods" if name in open

why(name) := "no policy chooses all pods" if not name in open

doubts contains sprintf("whether `%s` denies what comes into namespace `%s` was not looked into", [min(wide), namespace.body.metadata.name]) if {
	some namespace in lacking - certain
}

verdict := "pass" if {
	count(violations) == 0
	count(doubts) == 0
}

verdict := "fail" if count(violations) > 0

verdict := "abort" if {
	count(violations) == 0
	count(doubts) > 0
}

reason := min(doubts)
