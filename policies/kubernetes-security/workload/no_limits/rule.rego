# METADATA
# title: Containers say what they use and what they may
# description: >-
#   Requests and limits for CPU and memory, of the container, of its pod, or from a
#   LimitRange of the namespace. A limit is a request too. `requests` and `limits` name what
#   is wanted: leave `cpu` out of `limits` where CPU is not to be throttled. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.no-limits
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /namespace, /path, /spec]
#   joins:
#   - {name: ranges, kind: core.LimitRange, key: /namespace, field: /metadata/namespace}
#   controls: ['kubescape:C-0270', 'kubescape:C-0271', 'kubescape:C-0268', 'kubescape:C-0269']
#   standard: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
#   remediation: >-
#     Set `resources.requests` and `resources.limits` to what the container uses (`kubectl
#     top pod --containers`) with room to spare. A memory limit that is too low kills it, a
#     CPU limit slows it down.
#   parameters:
#     exempt_namespaces: [kube-system]
#     requests: [cpu, memory]
#     limits: [cpu, memory]
package k8s.workload.no_limits

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

# What LimitRanges of the namespace add when a pod is created.
added contains ["limits", resource] if {
	some range in input.joined.ranges
	some limit in range.spec.limits
	limit.type == "Container"
	some resource, _ in limit["default"]
}

added contains ["requests", resource] if {
	some range in input.joined.ranges
	some limit in range.spec.limits
	limit.type == "Container"
	some resource, _ in limit.defaultRequest
}

given(resources, list, resource) if resources[list][resource]

given(resources, _, resource) if resources.limits[resource]

violations contains {
	"message": sprintf("container `%s` has no %s for %s", [name, trim_suffix(list, "s"), resource]),
	"path": sprintf("%s/resources/%s/%s", [c.path, list, resource]),
	"found": null,
	"wanted": "a quantity",
} if {
	some name, c in body.containers
	c.type != "ephemeral"
	some list in ["requests", "limits"]
	some resource in input.parameters[list]
	resources := object.get(c, "resources", {})
	not given(resources, list, resource)
	of_pod := object.get(body.spec, "resources", {})
	not given(of_pod, list, resource)
	not [list, resource] in added
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
