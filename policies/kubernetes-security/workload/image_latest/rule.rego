# METADATA
# title: Images are named by version
# description: >-
#   An image without tag, or with `latest`, and without digest is another one tomorrow, and
#   nobody knows which one ran. Namespaces in `exempt_namespaces` are left out, by default
#   `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.image-latest
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /namespace, /path]
#   controls: ['kubescape:C-0075', 'kubescape:C-0306']
#   standard: https://kubernetes.io/docs/concepts/containers/images/
#   remediation: >-
#     Name the version, best with its digest: `image: NAME:TAG@sha256:…` (`crane digest
#     NAME:TAG`). Updates then need a change of the manifest.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.workload.image_latest

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("container `%s` runs `%s`, which may be another image tomorrow", [name, c.image]),
	"path": sprintf("%s/image", [c.path]),
	"found": c.image,
	"wanted": "a tag other than `latest`, or a digest",
} if {
	some name, c in body.containers
	moves(c.image)
	not pod.exempt(input)
}

moves(image) if endswith(image, ":latest")

# Neither tag nor digest after the last `/`.
moves(image) if regex.match(`(^|/)[^/:@]+$`, image)

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
