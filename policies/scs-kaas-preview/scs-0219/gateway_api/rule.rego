# METADATA
# title: The Gateway API is on offer
# description: >-
#   scs-0219-v2, recommended: GatewayClass, Gateway and HTTPRoute are served.
# scope: package
# custom:
#   id: scs-preview-0219-gateway-api
#   severity: low
#   input: collection
#   per: subject
#   kinds: [kubernetes.api]
#   visibility: member
#   requires:
#     kubernetes.api: [/group, /kind]
#   standard: https://docs.scs.community/standards/scs-0219-v2-kaas-networking
#   remediation: >-
#     Install the custom resource definitions of the Gateway API, with a controller
#     that implements them.
package scs_kaas_preview.scs_0219.gateway_api

import rego.v1

served := {a.body.kind | some a in input.resources["kubernetes.api"]; a.body.group == "gateway.networking.k8s.io"}

missing := {"GatewayClass", "Gateway", "HTTPRoute"} - served

verdict := "pass" if count(missing) == 0

verdict := "fail" if count(missing) > 0

violations contains {
	"message": sprintf("the cluster does not serve %s of the Gateway API", [concat(", ", sort(missing))]),
	"found": sort(served),
	"wanted": ["Gateway", "GatewayClass", "HTTPRoute"],
} if {
	verdict == "fail"
}
