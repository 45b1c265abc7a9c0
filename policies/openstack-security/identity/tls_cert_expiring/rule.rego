# METADATA
# title: Certificates of endpoints are valid and renewed in time
# description: >-
#   The certificate that a host of the catalog shows ends within `days`, is not valid yet, is
#   not for that host's name, or, on a public endpoint, is self-signed or of an authority that
#   neither this machine nor `cacert` of the cloud knows. Takes `collect --with tls`.
# scope: package
# custom:
#   id: os.identity.tls-cert-expiring
#   severity: medium
#   input: resource
#   kinds: [endpoint.tls]
#   requires:
#     endpoint.tls: [/host, /port, /reached, /interfaces]
#   time: true
#   controls: ['osg:secure-communication']
#   standard: https://docs.openstack.org/security-guide/secure-communication/introduction-to-ssl-and-tls.html
#   remediation: >-
#     Have the certificate issued anew, for all names of the endpoint, and hand it to the
#     load balancer, with the certificates between it and its authority (kolla-ansible:
#     `kolla_external_fqdn_cert`, then `kolla-ansible deploy --tags loadbalancer`). A reload
#     does not break running connections.
#   parameters:
#     days: 30
package os.identity.tls_cert_expiring

import rego.v1

import data.os.lib.moment

body := input.resource.body

shown if {
	body.reached == true
	is_object(body.certificate)
}

begins := moment.ns(body.certificate.not_before) if shown

due := moment.after(moment.ns(body.certificate.not_after), 0 - input.parameters.days) if shown

wrong contains {
	"message": sprintf("the certificate of %s:%d ends at %s", [body.host, body.port, body.certificate.not_after]),
	"path": "/certificate/not_after",
	"found": body.certificate.not_after,
	"wanted": sprintf("at least %d days", [input.parameters.days]),
} if {
	shown
	due < moment.ns(input.now)
}

wrong contains {
	"message": sprintf("the certificate of %s:%d is not valid before %s", [body.host, body.port, body.certificate.not_before]),
	"path": "/certificate/not_before",
	"found": body.certificate.not_before,
	"wanted": "a certificate that is valid now",
} if {
	shown
	begins > moment.ns(input.now)
}

wrong contains {
	"message": sprintf("the certificate of %s:%d is not for that name", [body.host, body.port]),
	"path": "/certificate/names",
	"found": body.certificate.names,
	"wanted": body.host,
} if {
	shown
	body.certificate.matches_host == false
}

wrong contains {
	"message": sprintf("the certificate of the public endpoint %s:%d is self-signed", [body.host, body.port]),
	"path": "/certificate/issuer",
	"found": body.certificate.issuer,
	"wanted": "an authority that clients know",
} if {
	shown
	"public" in body.interfaces
	body.certificate.self_signed == true
}

violations contains violation if some violation in wrong

# What is wrong with the certificate itself is why it is not trusted, and told already.
violations contains {
	"message": sprintf("the certificate of the public endpoint %s:%d is not trusted: %s", [body.host, body.port, why]),
	"path": "/certificate/trusted",
	"found": false,
	"wanted": "an authority that clients know",
} if {
	shown
	"public" in body.interfaces
	body.certificate.trusted == false
	count(wrong) == 0
	why := object.get(body.certificate, "why_not_trusted", "no cause given")
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	shown
	begins <= moment.ns(input.now)
	due >= moment.ns(input.now)
	body.certificate.matches_host == true
	is_boolean(body.certificate.self_signed)
	is_boolean(body.certificate.trusted)
	count(violations) == 0
}

verdict := "abort" if not shown

reason := sprintf("%s:%d showed no certificate: %v", [body.host, body.port, object.get(body, "error", "no cause given")]) if {
	not shown
}

valid_until := time.format(due) if verdict == "pass"

# One that is not valid yet will be.
valid_until := time.format(begins) if {
	verdict == "fail"
	begins > moment.ns(input.now)
}

valid_until := moment.never if {
	verdict == "fail"
	not later
}

valid_until := moment.never if verdict == "abort"

later if begins > moment.ns(input.now)
