# METADATA
# title: Workloads with replicas have a disruption budget
# description: >-
#   Without a PodDisruptionBudget, drains of several nodes may evict all replicas at once.
#   Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.no-pdb
#   severity: low
#   input: resource
#   kinds: [apps.Deployment, apps.StatefulSet]
#   requires:
#     apps.Deployment: [/spec/replicas, /spec/template, /metadata/namespace]
#     apps.StatefulSet: [/spec/replicas, /spec/template, /metadata/namespace]
#   joins:
#   - {name: budgets, kind: policy.PodDisruptionBudget, key: /metadata/namespace, field: /metadata/namespace}
#   standard: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#   remediation: >-
#     kubectl create poddisruptionbudget NAME --selector=app=NAME --max-unavailable=1.
#     Drains then wait until the evicted replica is ready elsewhere.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.workload.no_pdb

import rego.v1

import data.k8s.lib.names
import data.k8s.lib.selector

body := input.resource.body

labels := object.get(object.get(body.spec.template, "metadata", {}), "labels", {})

exempt if names.listed(input.parameters.exempt_namespaces, body.metadata.namespace)

covered if {
	some budget in input.joined.budgets
	wanted := budget.spec.selector
	own := labels
	not selector.mismatch(wanted, own)
}

violations contains {
	"message": sprintf("no PodDisruptionBudget covers its %d replicas", [body.spec.replicas]),
	"path": "/spec/replicas",
	"found": null,
	"wanted": "a PodDisruptionBudget",
} if {
	body.spec.replicas > 1
	not covered
	not exempt
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
