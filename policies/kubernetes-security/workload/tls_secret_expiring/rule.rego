# METADATA
# title: Certificates are renewed in time
# description: >-
#   Secrets of type `kubernetes.io/tls` whose certificate ends within `days`. What is in a
#   secret is not stored, so this reads when the cert-manager Certificate that writes it
#   ends; a secret of nobody else's is not judged.
# scope: package
# custom:
#   id: k8s.workload.tls-secret-expiring
#   severity: medium
#   input: resource
#   kinds: [core.Secret]
#   absent: [cert-manager.io.Certificate]
#   requires:
#     core.Secret: [/type, /metadata/name]
#   joins:
#   - {name: certificates, kind: cert-manager.io.Certificate, key: /metadata/namespace, field: /metadata/namespace}
#   time: true
#   standard: https://cert-manager.io/docs/usage/certificate/
#   remediation: >-
#     Let cert-manager write the secret (a Certificate with `spec.secretName`); `cmctl renew
#     NAME -n NAMESPACE` renews one now. Programs that read the certificate only at start
#     have to be restarted.
#   parameters:
#     days: 30
package k8s.workload.tls_secret_expiring

import rego.v1

body := input.resource.body

seconds := 1000000000

tls if body.type == "kubernetes.io/tls"

# When the certificate in the secret ends, by who writes it.
ends contains at if {
	some certificate in input.joined.certificates
	certificate.spec.secretName == body.metadata.name
	at := certificate.status.notAfter
}

late contains at if {
	some at in ends
	due(at) < time.parse_rfc3339_ns(input.now)
}

# When it has to be renewed.
due(at) := time.parse_rfc3339_ns(at) - ((input.parameters.days * 86400) * seconds)

turns contains at if {
	some end in ends
	at := due(end)
}

violations contains {
	"message": sprintf("the certificate ends at %s", [at]),
	"path": "/data/tls.crt",
	"found": at,
	"wanted": sprintf("at least %d days", [input.parameters.days]),
} if {
	tls
	some at in late
}

verdict := "pass" if not tls

verdict := "pass" if {
	tls
	count(ends) > 0
	count(late) == 0
}

verdict := "fail" if {
	tls
	count(late) > 0
}

verdict := "abort" if {
	tls
	count(ends) == 0
}

reason := "what is in a secret is not stored, and no Certificate says when it ends" if tls

valid_until := time.format(min(turns)) if {
	tls
	verdict == "pass"
}

# Nothing else changes by itself.
valid_until := "9999-01-01T00:00:00Z" if {
	verdict != "pass"
}

valid_until := "9999-01-01T00:00:00Z" if not tls
