# METADATA
# title: Dashboards are not reachable from outside
# description: >-
#   Services of type LoadBalancer or NodePort, or with external addresses, whose name or
#   labels are those of an administrative interface (`dashboards`, names with `*`). A load
#   balancer limited to `loadBalancerSourceRanges` fails too, since its node port is not.
#   Dashboards behind an Ingress are not looked for.
# scope: package
# custom:
#   id: k8s.workload.exposed-dashboard
#   severity: medium
#   input: resource
#   kinds: [core.Service]
#   requires:
#     core.Service: [/spec/type, /metadata/name]
#   controls: ['kubescape:C-0021']
#   standard: https://kubernetes.io/docs/tasks/access-application-cluster/web-ui-dashboard/
#   remediation: >-
#     kubectl patch service NAME -n NAMESPACE -p '{"spec": {"type": "ClusterIP"}}', and
#     reach it by `kubectl port-forward` or an ingress with single sign-on.
#   parameters:
#     dashboards:
#     - kubernetes-dashboard*
#     - headlamp
#     - argocd-server
#     - argo-server
#     - centraldashboard
#     - ml-pipeline-ui
#     - weave-scope-app
#     - jenkins
#     - nifi
#     - prometheus*
#     - alertmanager*
#     - longhorn-frontend
#     - hubble-ui
#     - goldpinger
package k8s.workload.exposed_dashboard

import rego.v1

import data.k8s.lib.names

body := input.resource.body

outside if body.spec.type in {"LoadBalancer", "NodePort"}

outside if count(body.spec.externalIPs) > 0

called contains name if {
	name := body.metadata.name
}

called contains name if {
	some key in ["app.kubernetes.io/name", "k8s-app", "app"]
	name := body.metadata.labels[key]
}

called contains name if {
	some key in ["app.kubernetes.io/name", "k8s-app", "app"]
	name := body.spec.selector[key]
}

violations contains {
	"message": sprintf("`%s` is an administrative interface, reachable from outside", [name]),
	"path": "/spec/type",
	"found": body.spec.type,
	"wanted": "ClusterIP",
} if {
	outside
	some name in called
	names.listed(input.parameters.dashboards, name)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
