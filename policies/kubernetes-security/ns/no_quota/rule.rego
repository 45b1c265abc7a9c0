# METADATA
# title: Namespaces limit what they use
# description: >-
#   Each namespace has a ResourceQuota or a LimitRange. Namespaces in `exempt_namespaces`
#   are left out.
# scope: package
# custom:
#   id: k8s.ns.no-quota
#   severity: low
#   input: resource
#   kinds: [core.Namespace]
#   requires:
#     core.Namespace: [/metadata/name]
#   joins:
#   - {name: quotas, kind: core.ResourceQuota, key: /metadata/name, field: /metadata/namespace}
#   - {name: ranges, kind: core.LimitRange, key: /metadata/name, field: /metadata/namespace}
#   standard: https://kubernetes.io/docs/concepts/policy/resource-quotas/
#   remediation: >-
#     Create a LimitRange with defaults for requests and limits, then a ResourceQuota. Under
#     a quota on compute resources, pods without requests are refused: the LimitRange comes
#     first.
#   parameters:
#     exempt_namespaces: [kube-system, kube-public, kube-node-lease]
package k8s.ns.no_quota

import rego.v1

import data.k8s.lib.names

body := input.resource.body

exempt if names.listed(input.parameters.exempt_namespaces, body.metadata.name)

violations contains {
	"message": sprintf("namespace `%s` has neither a ResourceQuota nor a LimitRange", [body.metadata.name]),
	"path": "",
	"found": null,
	"wanted": "a ResourceQuota or a LimitRange",
} if {
	count(input.joined.quotas) == 0
	count(input.joined.ranges) == 0
	not exempt
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
