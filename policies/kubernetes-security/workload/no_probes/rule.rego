# METADATA
# title: Containers behind a Service have probes
# description: >-
#   A Service sends requests to pods that say they are ready. `probes` names the probes that
#   each container needs if a Service chooses its pod; init containers and jobs need none.
#   Namespaces in `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.no-probes
#   severity: low
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /kind, /labels, /namespace, /path]
#   joins:
#   - {name: services, kind: core.Service, key: /namespace, field: /metadata/namespace}
#   controls: ['kubescape:C-0018', 'kubescape:C-0056']
#   standard: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
#   remediation: >-
#     Add a `readinessProbe` on what the Service uses, and a `livenessProbe` that only fails
#     where a restart helps. A liveness probe that is too strict restarts the container
#     under load.
#   parameters:
#     exempt_namespaces: [kube-system]
#     probes: [livenessProbe, readinessProbe]
package k8s.workload.no_probes

import rego.v1

import data.k8s.lib.pod
import data.k8s.lib.selector

body := input.resource.body

chosen if {
	pod.serves(body)
	some service in input.joined.services
	selector.serves(service, body.labels)
}

violations contains {
	"message": sprintf("container `%s` has no `%s`, and a Service sends to it", [name, probe]),
	"path": sprintf("%s/%s", [c.path, probe]),
	"found": null,
	"wanted": "a probe",
} if {
	chosen
	some name, c in body.containers
	c.type == "container"
	some probe in input.parameters.probes
	not c[probe]
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
