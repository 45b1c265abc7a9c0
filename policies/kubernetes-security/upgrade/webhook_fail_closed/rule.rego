# METADATA
# title: Admission webhooks do not lock the cluster up
# description: >-
#   A webhook with `failurePolicy: Fail` and no ready endpoint refuses everything that it
#   matches. One that matches pods of `kube-system` may keep its own network from coming
#   back. Webhooks by URL are not judged as to whether they answer.
# scope: package
# custom:
#   id: k8s.upgrade.webhook-fail-closed
#   severity: high
#   input: collection
#   per: subject
#   kinds:
#   - admissionregistration.k8s.io.ValidatingWebhookConfiguration
#   - admissionregistration.k8s.io.MutatingWebhookConfiguration
#   - discovery.k8s.io.EndpointSlice
#   - core.Namespace
#   requires:
#     core.Namespace: [/metadata]
#     discovery.k8s.io.EndpointSlice: [/metadata/namespace]
#   controls: ['kubescape:C-0036', 'kubescape:C-0039']
#   standard: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
#   remediation: >-
#     Bring the pods behind the Service back, or delete the configuration of a webhook that
#     is gone (`kubectl delete validatingwebhookconfiguration NAME`). Leave kube-system out
#     by `namespaceSelector` on `kubernetes.io/metadata.name`; what the webhook enforces is
#     not enforced there then.
package k8s.upgrade.webhook_fail_closed

import rego.v1

import data.k8s.lib.selector

hooks contains {"config": config, "hook": hook, "n": n} if {
	some kind in [
		"admissionregistration.k8s.io.ValidatingWebhookConfiguration",
		"admissionregistration.k8s.io.MutatingWebhookConfiguration",
	]
	some config in input.resources[kind]
	some n, hook in config.body.webhooks
	object.get(hook, "failurePolicy", "Fail") == "Fail"
}

# Services with an endpoint that is ready; an endpoint that does not say is.
ready contains sprintf("%s/%s", [slice.body.metadata.namespace, slice.body.metadata.labels["kubernetes.io/service-name"]]) if {
	some slice in input.resources["discovery.k8s.io.EndpointSlice"]
	is_array(slice.body.endpoints)
	some endpoint in slice.body.endpoints
	object.get(object.get(endpoint, "conditions", {}), "ready", true) != false
}

violations contains {
	"resource": h.config.key,
	"message": sprintf("webhook `%s` fails closed, and Service `%s` has no ready endpoint", [h.hook.name, id]),
	"path": sprintf("/webhooks/%d", [h.n]),
	"found": id,
	"wanted": "a ready endpoint",
} if {
	some h in hooks
	service := h.hook.clientConfig.service
	id := sprintf("%s/%s", [service.namespace, service.name])
	not id in ready
}

system_labels := object.union({"kubernetes.io/metadata.name": "kube-system"}, object.get(input.resources["core.Namespace"]["kube-system"].body.metadata, "labels", {}))

about_pods(hook) if {
	some part in hook.rules
	count({"", "*"} & {group | some group in part.apiGroups}) > 0
	count({"pods", "*", "*/*"} & {resource | some resource in part.resources}) > 0
	count({"CREATE", "*"} & {operation | some operation in part.operations}) > 0
}

violations contains {
	"resource": h.config.key,
	"message": sprintf("webhook `%s` fails closed and is asked about pods of kube-system", [h.hook.name]),
	"path": sprintf("/webhooks/%d/namespaceSelector", [h.n]),
	"found": object.get(h.hook, "namespaceSelector", {}),
	"wanted": "kube-system left out",
} if {
	some h in hooks
	about_pods(h.hook)
	wanted := object.get(h.hook, "namespaceSelector", {})
	labels := system_labels
	not selector.mismatch(wanted, labels)
	count(object.get(h.hook, "matchConditions", [])) == 0
	count(object.get(h.hook, "objectSelector", {})) == 0
}

doubts contains "namespace kube-system is not there" if not system_labels

doubts contains sprintf("whether `%s` answers is not seen", [url]) if {
	some h in hooks
	url := h.hook.clientConfig.url
}

doubts contains sprintf("which pods webhook `%s` is asked about was not looked into: it has conditions of its own", [h.hook.name]) if {
	some h in hooks
	about_pods(h.hook)
	wanted := object.get(h.hook, "namespaceSelector", {})
	labels := system_labels
	not selector.mismatch(wanted, labels)
	count(object.get(h.hook, "matchConditions", [])) + count(object.get(h.hook, "objectSelector", {})) > 0
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(doubts) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(doubts) > 0
}

reason := min(doubts)
