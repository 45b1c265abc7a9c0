# METADATA
# title: Namespaces enforce a Pod Security Standard
# description: >-
#   The label `pod-security.kubernetes.io/enforce` is `baseline` or `restricted`. Without
#   the label the admission configuration of the API server decides, which the API does not
#   show: `default_level` takes the operator's word for it. Where another policy engine is
#   installed (Gatekeeper, Kyverno, Kubewarden, ValidatingAdmissionPolicies that deny pods),
#   a namespace without the label is not judged. Namespaces in `exempt_namespaces` are left
#   out.
# scope: package
# custom:
#   id: k8s.ns.pss-not-enforced
#   severity: high
#   input: collection
#   per: subject
#   kinds:
#   - core.Namespace
#   - kubernetes.api
#   - admissionregistration.k8s.io.ValidatingAdmissionPolicy
#   - admissionregistration.k8s.io.ValidatingAdmissionPolicyBinding
#   absent:
#   - admissionregistration.k8s.io.ValidatingAdmissionPolicy
#   - admissionregistration.k8s.io.ValidatingAdmissionPolicyBinding
#   requires:
#     core.Namespace: [/metadata/name]
#   standard: https://kubernetes.io/docs/concepts/security/pod-security-admission/
#   remediation: >-
#     kubectl label namespace NAME pod-security.kubernetes.io/enforce=baseline, after
#     `kubectl label --dry-run=server --overwrite namespace NAME
#     pod-security.kubernetes.io/enforce=baseline` has shown which pods break it. Pods that
#     do are refused when they are next created.
#   parameters:
#     exempt_namespaces: [kube-system, kube-public, kube-node-lease]
#     default_level: privileged
package k8s.ns.pss_not_enforced

import rego.v1

import data.k8s.lib.names

label := "pod-security.kubernetes.io/enforce"

levels := {"baseline", "restricted"}

engines := {"constraints.gatekeeper.sh", "kyverno.io", "policies.kyverno.io", "policies.kubewarden.io"}

concerned := {namespace |
	some namespace in input.resources["core.Namespace"]
	not exempt(namespace)
}

exempt(namespace) if names.listed(input.parameters.exempt_namespaces, namespace.body.metadata.name)

level(namespace) := object.get(object.get(namespace.body.metadata, "labels", {}), label, input.parameters.default_level)

others contains api.body.group if {
	some api in input.resources["kubernetes.api"]
	api.body.group in engines
}

others contains sprintf("ValidatingAdmissionPolicy %s", [name]) if {
	some binding in input.resources["admissionregistration.k8s.io.ValidatingAdmissionPolicyBinding"]
	"Deny" in binding.body.spec.validationActions
	name := binding.body.spec.policyName
	some part in input.resources["admissionregistration.k8s.io.ValidatingAdmissionPolicy"][name].body.spec.matchConstraints.resourceRules
	count({"pods", "*", "*/*"} & {resource | some resource in part.resources}) > 0
}

labelled(namespace) if namespace.body.metadata.labels[label]

violations contains {
	"resource": namespace.key,
	"message": sprintf("namespace `%s` enforces the Pod Security level `%s`", [namespace.body.metadata.name, level(namespace)]),
	"path": "/metadata/labels/pod-security.kubernetes.io~1enforce",
	"found": level(namespace),
	"wanted": "baseline",
} if {
	some namespace in concerned
	labelled(namespace)
	found := level(namespace)
	not found in levels
}

violations contains {
	"resource": namespace.key,
	"message": sprintf("namespace `%s` enforces no Pod Security level", [namespace.body.metadata.name]),
	"path": "/metadata/labels/pod-security.kubernetes.io~1enforce",
	"found": null,
	"wanted": "baseline",
} if {
	count(others) == 0
	some namespace in concerned
	not labelled(namespace)
	found := level(namespace)
	not found in levels
}

doubts contains sprintf("whether %s enforces as much in namespace `%s`, which has no label, was not looked into", [
	concat(", ", sort(others)),
	namespace.body.metadata.name,
]) if {
	count(others) > 0
	some namespace in concerned
	not labelled(namespace)
	found := level(namespace)
	not found in levels
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
