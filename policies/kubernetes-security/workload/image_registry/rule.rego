# METADATA
# title: Images come from registries that are allowed
# description: >-
#   `registries` lists the registries, with or without the beginning of a path, that images
#   may come from; while it is empty, only `k8s.gcr.io` and its older names fail, which get
#   no new images since 2023. Namespaces in `exempt_namespaces` are left out, by default
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.image-registry
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /namespace, /path]
#   controls: ['kubescape:C-0078', 'kubescape:C-0253']
#   standard: https://kubernetes.io/docs/concepts/containers/images/
#   remediation: >-
#     Copy the image to a registry that is allowed and name it there; images of Kubernetes
#     itself are on `registry.k8s.io` under the same name.
#   parameters:
#     exempt_namespaces: [kube-system]
#     registries: []
package k8s.workload.image_registry

import rego.v1

import data.k8s.lib.image
import data.k8s.lib.pod

body := input.resource.body

frozen := ["k8s.gcr.io", "gcr.io/google_containers", "gcr.io/google-containers"]

violations contains {
	"message": sprintf("container `%s` runs `%s` from a registry that is not allowed", [name, picture]),
	"path": sprintf("%s/image", [c.path]),
	"found": picture,
	"wanted": input.parameters.registries,
} if {
	count(input.parameters.registries) > 0
	some name, c in body.containers
	picture := c.image
	not image.from_any(picture, input.parameters.registries)
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("container `%s` runs `%s` from a registry that gets no new images", [name, c.image]),
	"path": sprintf("%s/image", [c.path]),
	"found": c.image,
	"wanted": "registry.k8s.io",
} if {
	some name, c in body.containers
	image.from_any(c.image, frozen)
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
