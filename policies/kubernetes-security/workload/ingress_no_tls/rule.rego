# METADATA
# title: What comes from outside is encrypted
# description: >-
#   Every host of an Ingress is in its `tls`, and every listener of a Gateway is HTTPS or
#   TLS. A listener for HTTP that only redirects fails too: name its port in
#   `redirect_ports`. Controllers may use a certificate of their own for hosts that `tls`
#   does not name; that is not seen.
# scope: package
# custom:
#   id: k8s.workload.ingress-no-tls
#   severity: high
#   input: resource
#   kinds: [networking.k8s.io.Ingress, gateway.networking.k8s.io.Gateway]
#   absent: [gateway.networking.k8s.io.Gateway]
#   requires:
#     networking.k8s.io.Ingress: [/spec]
#     gateway.networking.k8s.io.Gateway: [/spec/listeners]
#   controls: ['kubescape:C-0263']
#   standard: https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
#   remediation: >-
#     Create a secret of type `kubernetes.io/tls` (or a cert-manager Certificate) and name
#     it in `spec.tls` with all hosts; in a Gateway use protocol HTTPS with
#     `tls.certificateRefs`. Clients that use plain HTTP are redirected or refused.
#   parameters:
#     redirect_ports: []
package k8s.workload.ingress_no_tls

import rego.v1

body := input.resource.body

hosts contains host if {
	some rule in body.spec.rules
	host := rule.host
}

# A part without hosts is about all of them.
secured(host) if {
	some part in body.spec.tls
	count(object.get(part, "hosts", [])) == 0
	host != null
}

secured(host) if {
	some part in body.spec.tls
	some name in part.hosts
	name == host
}

secured(host) if {
	some part in body.spec.tls
	some name in part.hosts
	startswith(name, "*.")
	endswith(host, trim_prefix(name, "*"))
	count(split(host, ".")) == count(split(name, "."))
}

violations contains {
	"message": "it has no `tls`",
	"path": "/spec/tls",
	"found": null,
	"wanted": "a secret with a certificate",
} if {
	input.resource.kind == "networking.k8s.io.Ingress"
	count(object.get(body.spec, "tls", [])) == 0
}

violations contains {
	"message": sprintf("host `%s` is not in `tls`", [host]),
	"path": "/spec/tls",
	"found": host,
	"wanted": "a secret with a certificate",
} if {
	input.resource.kind == "networking.k8s.io.Ingress"
	count(object.get(body.spec, "tls", [])) > 0
	some host in hosts
	not secured(host)
}

violations contains {
	"message": sprintf("listener `%s` on port %d is %s", [listener.name, listener.port, listener.protocol]),
	"path": sprintf("/spec/listeners/%d/protocol", [n]),
	"found": listener.protocol,
	"wanted": "HTTPS",
} if {
	input.resource.kind == "gateway.networking.k8s.io.Gateway"
	some n, listener in body.spec.listeners
	listener.protocol == "HTTP"
	port := listener.port
	not port in input.parameters.redirect_ports
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
