# METADATA
# title: Pods get no service account token that is of no use
# description: >-
#   A pod gets a token of its service account unless it or the account says
#   `automountServiceAccountToken: false`. An account that no role is bound to can do
#   nothing with it that everybody cannot, so the token only serves whoever breaks in. Pods
#   whose account has a role pass: whether the program uses it is not seen. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.sa-token-mounted
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /mirror, /namespace, /path, /spec/serviceAccountName]
#   joins:
#   - {name: accounts, kind: core.ServiceAccount, key: /namespace, field: /metadata/namespace}
#   - {name: access, kind: kubernetes.access, key: /namespace, field: /subject/namespace}
#   controls: ['kubescape:C-0034', 'kubescape:C-0261']
#   standard: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting
#   remediation: >-
#     Set `automountServiceAccountToken: false` in the pod spec, or on the service account:
#     `kubectl patch serviceaccount NAME -p '{"automountServiceAccountToken": false}'`.
#     Programs that ask the API, such as operators and service meshes, stop working without.
#   parameters:
#     exempt_namespaces: [kube-system]
package k8s.workload.sa_token_mounted

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

spec := body.spec

# The pod decides; if it does not, the account does.
off if spec.automountServiceAccountToken == false

off if {
	not spec.automountServiceAccountToken == true
	some account in input.joined.accounts
	account.metadata.name == spec.serviceAccountName
	account.automountServiceAccountToken == false
}

has_role if {
	some granted in input.joined.access
	granted.subject.name == spec.serviceAccountName
	count(granted.bindings) > 0
}

violations contains {
	"message": sprintf("the pod gets a token of service account `%s`, which no role is bound to", [spec.serviceAccountName]),
	"path": sprintf("%s/automountServiceAccountToken", [body.path]),
	"found": null,
	"wanted": false,
} if {
	body.mirror == false
	not off
	not has_role
	not pod.exempt(input)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
