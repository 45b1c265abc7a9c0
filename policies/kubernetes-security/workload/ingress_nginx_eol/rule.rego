# METADATA
# title: ingress-nginx is not used
# description: >-
#   The ingress-nginx controller of the Kubernetes project is no longer maintained since
#   March 2026: known holes stay open. Looks at the controllers of ingress classes and at
#   images called `ingress-nginx/controller`; forks that others maintain have other names.
# scope: package
# custom:
#   id: k8s.workload.ingress-nginx-eol
#   severity: medium
#   input: resource
#   kinds: [networking.k8s.io.IngressClass, kubernetes.workload]
#   requires:
#     networking.k8s.io.IngressClass: [/spec/controller]
#     kubernetes.workload: [/containers]
#   controls: ['kubescape:C-0292']
#   standard: https://kubernetes.io/blog/2025/11/11/ingress-nginx-retirement/
#   remediation: >-
#     Install another ingress controller or a Gateway implementation beside it, move the
#     Ingresses class by class (`ingressClassName`), then remove it. Annotations
#     `nginx.ingress.kubernetes.io/…` mean nothing to others.
package k8s.workload.ingress_nginx_eol

import rego.v1

body := input.resource.body

violations contains {
	"message": "this ingress class is served by ingress-nginx, which is no longer maintained",
	"path": "/spec/controller",
	"found": body.spec.controller,
	"wanted": null,
} if {
	body.spec.controller == "k8s.io/ingress-nginx"
}

violations contains {
	"message": sprintf("container `%s` is ingress-nginx, which is no longer maintained", [name]),
	"path": sprintf("%s/image", [c.path]),
	"found": c.image,
	"wanted": null,
} if {
	some name, c in body.containers
	regex.match(`(^|/)ingress-nginx/controller(-chroot)?([:@]|$)`, c.image)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
