# METADATA
# title: Services claim no external addresses
# description: >-
#   `externalIPs` lets whoever writes a Service take traffic for any address
#   (CVE-2020-8554). Addresses in `addresses` are allowed.
# scope: package
# custom:
#   id: k8s.workload.service-external-ips
#   severity: medium
#   input: resource
#   kinds: [core.Service]
#   requires:
#     core.Service: [/spec]
#   standard: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
#   remediation: >-
#     kubectl patch service NAME -n NAMESPACE --type=merge -p '{"spec": {"externalIPs":
#     null}}' and use type LoadBalancer; enable the admission plugin DenyServiceExternalIPs.
#     Whatever was reached by that address is not any more.
#   parameters:
#     addresses: []
package k8s.workload.service_external_ips

import rego.v1

body := input.resource.body

violations contains {
	"message": sprintf("it takes the traffic for `%s`", [address]),
	"path": sprintf("/spec/externalIPs/%d", [n]),
	"found": address,
	"wanted": null,
} if {
	some n, address in body.spec.externalIPs
	not address in input.parameters.addresses
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
