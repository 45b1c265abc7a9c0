# METADATA
# title: What a Service sends to has more than one replica
# description: >-
#   A Deployment or StatefulSet with one replica that a Service chooses is away while its
#   node is drained. Namespaces in `exempt_namespaces` are left out, by default
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.single-replica
#   severity: low
#   input: resource
#   kinds: [apps.Deployment, apps.StatefulSet]
#   requires:
#     apps.Deployment: [/spec/replicas, /spec/template, /metadata/namespace]
#     apps.StatefulSet: [/spec/replicas, /spec/template, /metadata/namespace]
#   joins:
#   - {name: services, kind: core.Service, key: /metadata/namespace, field: /metadata/namespace}
#   standard: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
#   remediation: >-
#     kubectl scale deployment NAME --replicas=2, with a PodDisruptionBudget and a topology
#     spread. Programs that must run once (no shared state, a volume for one node) break
#     with two: they need leader election first.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.workload.single_replica

import rego.v1

import data.k8s.lib.names
import data.k8s.lib.selector

body := input.resource.body

labels := object.get(object.get(body.spec.template, "metadata", {}), "labels", {})

exempt if names.listed(input.parameters.exempt_namespaces, body.metadata.namespace)

chosen if {
	some service in input.joined.services
	selector.serves(service, labels)
}

violations contains {
	"message": "it has one replica, and a Service sends to it",
	"path": "/spec/replicas",
	"found": 1,
	"wanted": 2,
} if {
	body.spec.replicas == 1
	chosen
	not exempt
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
