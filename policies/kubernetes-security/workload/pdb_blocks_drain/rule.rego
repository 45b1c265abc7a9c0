# METADATA
# title: Disruption budgets let nodes be drained
# description: >-
#   A PodDisruptionBudget that allows no disruption stops the upgrade of every node that one
#   of its pods runs on. A budget that covers no pod blocks nothing.
# scope: package
# custom:
#   id: k8s.workload.pdb-blocks-drain
#   severity: high
#   input: resource
#   kinds: [policy.PodDisruptionBudget]
#   requires:
#     policy.PodDisruptionBudget: [/metadata, /spec, /status/disruptionsAllowed, /status/expectedPods, /status/currentHealthy]
#   standard: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
#   remediation: >-
#     kubectl patch poddisruptionbudget NAME -n NAMESPACE --type=merge -p '{"spec":
#     {"minAvailable": null, "maxUnavailable": 1}}', or add a replica. Where pods are not
#     healthy, `unhealthyPodEvictionPolicy: AlwaysAllow` lets those be evicted; a program
#     that cannot lose one pod has to be stopped by hand for each drain.
package k8s.workload.pdb_blocks_drain

import rego.v1

body := input.resource.body

never if body.spec.maxUnavailable == 0

never if body.spec.maxUnavailable == "0%"

never if body.spec.minAvailable == "100%"

never if {
	is_number(body.spec.minAvailable)
	body.spec.minAvailable >= body.status.expectedPods
}

covers if body.status.expectedPods > 0

covers if body.status.currentHealthy > 0

# What the status says is about an older state of the budget.
stale if body.status.observedGeneration < body.metadata.generation

violations contains {
	"message": "it never allows a disruption",
	"path": "/spec",
	"found": object.get(body.spec, "maxUnavailable", object.get(body.spec, "minAvailable", null)),
	"wanted": {"maxUnavailable": 1},
} if {
	never
	covers
	not stale
}

violations contains {
	"message": sprintf("it allows no disruption now: %d of %d pods are healthy, %d have to be", [
		body.status.currentHealthy,
		body.status.expectedPods,
		body.status.desiredHealthy,
	]),
	"path": "/status/disruptionsAllowed",
	"found": 0,
	"wanted": 1,
} if {
	body.status.disruptionsAllowed == 0
	covers
	not never
	not stale
}

verdict := "abort" if stale

verdict := "pass" if {
	not stale
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0

reason := "its status is older than its specification" if stale
