# METADATA
# title: Nodes are ready
# description: >-
#   Nodes that are not ready, under pressure or cordoned take no pods, so that draining
#   others may not find room.
# scope: package
# custom:
#   id: k8s.upgrade.node-not-ready
#   severity: high
#   input: resource
#   kinds: [core.Node]
#   requires:
#     core.Node: [/status/conditions]
#   standard: https://kubernetes.io/docs/reference/node/node-status/#condition
#   remediation: >-
#     kubectl describe node NAME shows what the kubelet says; `kubectl uncordon NAME` once
#     maintenance is over. Do not begin an upgrade before all nodes are ready, or fewer than
#     planned are left.
package k8s.upgrade.node_not_ready

import rego.v1

body := input.resource.body

violations contains {
	"message": sprintf("condition `%s` is %s: %s", [c.type, c.status, object.get(c, "reason", "no reason given")]),
	"path": sprintf("/status/conditions/%d", [n]),
	"found": c.status,
	"wanted": "True",
} if {
	some n, c in body.status.conditions
	c.type == "Ready"
	c.status != "True"
}

violations contains {
	"message": sprintf("condition `%s` is %s: %s", [c.type, c.status, object.get(c, "reason", "no reason given")]),
	"path": sprintf("/status/conditions/%d", [n]),
	"found": c.status,
	"wanted": "False",
} if {
	some n, c in body.status.conditions
	c.type in {"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"}
	c.status != "False"
}

reported if {
	some c in body.status.conditions
	c.type == "Ready"
}

violations contains {
	"message": "its kubelet has never reported",
	"path": "/status/conditions",
	"found": null,
	"wanted": "True",
} if {
	not reported
}

violations contains {
	"message": "it is cordoned",
	"path": "/spec/unschedulable",
	"found": true,
	"wanted": false,
} if {
	body.spec.unschedulable == true
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
