# METADATA
# title: No secrets in environment variables
# description: >-
#   Environment variables show in crash reports, child processes and `kubectl describe`.
#   Fails for variables from Secrets, and for values in the pod spec that look like a
#   secret: what was taken out when the cluster was collected, and values of variables whose
#   name matches `secret_names`, except paths, references and names. Namespaces in
#   `exempt_namespaces` are left out, by default `kube-system`.
# scope: package
# custom:
#   id: k8s.workload.secret-in-env
#   severity: medium
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /namespace, /path]
#   controls: ['kubescape:C-0012', 'kubescape:C-0259']
#   standard: https://kubernetes.io/docs/concepts/security/secrets-good-practices/
#   remediation: >-
#     Mount the Secret as a volume (`volumes[].secret`, `volumeMounts[]`, readOnly) and let
#     the program read the file; many images know `NAME_FILE` for that. A value that stood
#     in the spec is known to all who read it: change it.
#   parameters:
#     exempt_namespaces: [kube-system]
#     secret_names: passw(or)?d|secret|token|api_?key|private_?key|credential
package k8s.workload.secret_in_env

import rego.v1

import data.k8s.lib.pod

body := input.resource.body

violations contains {
	"message": sprintf("container `%s`: variable `%s` comes from secret `%s`", [name, variable.name, secret]),
	"path": sprintf("%s/env/%d", [c.path, n]),
	"found": secret,
	"wanted": null,
} if {
	some name, c in body.containers
	some n, variable in c.env
	secret := variable.valueFrom.secretKeyRef.name
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("container `%s`: all variables of secret `%s`", [name, secret]),
	"path": sprintf("%s/envFrom/%d", [c.path, n]),
	"found": secret,
	"wanted": null,
} if {
	some name, c in body.containers
	some n, source in c.envFrom
	secret := source.secretRef.name
	not pod.exempt(input)
}

violations contains {
	"message": sprintf("container `%s`: variable `%s` holds a secret", [name, variable.name]),
	"path": sprintf("%s/env/%d", [c.path, n]),
	"found": null,
	"wanted": null,
} if {
	some name, c in body.containers
	some n, variable in c.env
	secret_value(variable, input.parameters.secret_names)
	not pod.exempt(input)
}

secret_value(variable, _) if startswith(variable.value, "[redacted")

secret_value(variable, names) if {
	name := lower(variable.name)
	regex.match(names, name)
	not regex.match(`(file|path|dir|name|url|uri|host|mount|ref|id|ttl|type|enabled)$`, name)
	value := lower(variable.value)
	not regex.match(`^($|[/$]|(true|false)$|[0-9]+$)`, value)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
