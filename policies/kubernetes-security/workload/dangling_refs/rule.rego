# METADATA
# title: References lead to what exists
# description: >-
#   Services and NetworkPolicies that choose no pod, Ingresses and HTTPRoutes to a Service
#   that is missing, autoscalers of a workload that is missing. Autoscalers of kinds that
#   have no pod template of their own are not judged.
# scope: package
# custom:
#   id: k8s.workload.dangling-refs
#   severity: low
#   input: resource
#   kinds:
#   - core.Service
#   - networking.k8s.io.NetworkPolicy
#   - networking.k8s.io.Ingress
#   - gateway.networking.k8s.io.HTTPRoute
#   - autoscaling.HorizontalPodAutoscaler
#   absent: [gateway.networking.k8s.io.HTTPRoute]
#   requires:
#     core.Service: [/spec, /metadata/namespace]
#     networking.k8s.io.NetworkPolicy: [/spec, /metadata/namespace]
#     networking.k8s.io.Ingress: [/spec, /metadata/namespace]
#     gateway.networking.k8s.io.HTTPRoute: [/spec, /metadata/namespace]
#     autoscaling.HorizontalPodAutoscaler: [/spec, /metadata/namespace]
#   joins:
#   - {name: workloads, kind: kubernetes.workload, key: /metadata/namespace, field: /namespace}
#   - {name: services, kind: core.Service, key: /metadata/namespace, field: /metadata/namespace}
#   controls: ['kubescape:C-0293', 'kubescape:C-0298', 'kubescape:C-0299', 'kubescape:C-0300', 'kubescape:C-0302']
#   standard: https://kubernetes.io/docs/concepts/services-networking/service/
#   remediation: >-
#     Correct the name or the selector, or delete what leads nowhere. A Service whose
#     endpoints somebody else writes has no selector.
package k8s.workload.dangling_refs

import rego.v1

import data.k8s.lib.selector

body := input.resource.body

kind := input.resource.kind

service_exists(name) if {
	some service in input.joined.services
	service.metadata.name == name
}

chosen(wanted) if {
	some workload in input.joined.workloads
	labels := workload.labels
	not selector.mismatch(wanted, labels)
}

violations contains {
	"message": "it chooses no pod",
	"path": "/spec/selector",
	"found": body.spec.selector,
	"wanted": "labels of a pod",
} if {
	kind == "core.Service"
	count(body.spec.selector) > 0
	wanted := {"matchLabels": body.spec.selector}
	not chosen(wanted)
}

violations contains {
	"message": "it chooses no pod",
	"path": "/spec/podSelector",
	"found": wanted,
	"wanted": "labels of a pod",
} if {
	kind == "networking.k8s.io.NetworkPolicy"
	wanted := body.spec.podSelector
	count(wanted) > 0
	not chosen(wanted)
}

backends contains {"name": service, "path": "/spec/defaultBackend"} if {
	kind == "networking.k8s.io.Ingress"
	service := body.spec.defaultBackend.service.name
}

backends contains {"name": service, "path": sprintf("/spec/rules/%d/http/paths/%d", [n, m])} if {
	kind == "networking.k8s.io.Ingress"
	some n, rule in body.spec.rules
	some m, path in rule.http.paths
	service := path.backend.service.name
}

backends contains {"name": backend.name, "path": sprintf("/spec/rules/%d/backendRefs/%d", [n, m])} if {
	kind == "gateway.networking.k8s.io.HTTPRoute"
	some n, rule in body.spec.rules
	some m, backend in rule.backendRefs
	object.get(backend, "kind", "Service") == "Service"
	object.get(backend, "namespace", body.metadata.namespace) == body.metadata.namespace
}

violations contains {
	"message": sprintf("there is no Service `%s`", [name]),
	"path": backend.path,
	"found": name,
	"wanted": null,
} if {
	some backend in backends
	name := backend.name
	not service_exists(name)
}

scaled := {
	"apps/v1 Deployment": "apps.Deployment",
	"apps/v1 StatefulSet": "apps.StatefulSet",
	"apps/v1 ReplicaSet": "apps.ReplicaSet",
	"v1 ReplicationController": "core.ReplicationController",
}

target := body.spec.scaleTargetRef

target_kind := scaled[type] if {
	type := sprintf("%s %s", [object.get(target, "apiVersion", ""), target.kind])
}

violations contains {
	"message": sprintf("there is no %s `%s`", [target.kind, target.name]),
	"path": "/spec/scaleTargetRef",
	"found": target.name,
	"wanted": null,
} if {
	kind == "autoscaling.HorizontalPodAutoscaler"
	id := sprintf("%s/%s/%s", [target_kind, body.metadata.namespace, target.name])
	not input.joined.workloads[id]
}

foreign if {
	kind == "autoscaling.HorizontalPodAutoscaler"
	not target_kind
}

verdict := "abort" if foreign

verdict := "pass" if {
	not foreign
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0

reason := sprintf("what a %s is scales pods in its own way", [target.kind]) if foreign
