# METADATA
# title: Endpoints refuse old TLS protocols
# description: >-
#   A handshake with every host of the catalog: TLS 1.0 and 1.1 are broken and must be
#   refused. With `require_tls13`, TLS 1.3 must be accepted as well. Takes `collect --with
#   tls`; without it nothing is known.
# scope: package
# custom:
#   id: os.identity.tls-protocol-weak
#   severity: high
#   input: resource
#   kinds: [endpoint.tls]
#   requires:
#     endpoint.tls: [/host, /port, /reached, /protocols]
#   controls: ['osg:secure-communication']
#   standard: https://www.bsi.bund.de/SharedDocs/Downloads/EN/BSI/Publications/TechGuidelines/TG02102/BSI-TR-02102-2.html
#   remediation: >-
#     HAProxy: `ssl-default-bind-options ssl-min-ver TLSv1.2` (kolla-ansible:
#     `kolla_haproxy_ssl_settings: modern` or `intermediate`), then reload. Clients older than
#     about 2014 can no longer connect.
#   parameters:
#     require_tls13: false
package os.identity.tls_protocol_weak

import rego.v1

body := input.resource.body

old contains protocol if {
	some protocol in ["tls1.0", "tls1.1"]
	body.protocols[protocol] == "accepted"
}

unknown contains protocol if {
	protocols := body.protocols
	some protocol in ["tls1.0", "tls1.1"]
	not object.get(protocols, protocol, null) in ["accepted", "refused"]
}

unknown contains "tls1.3" if {
	input.parameters.require_tls13
	protocols := body.protocols
	not object.get(protocols, "tls1.3", null) in ["accepted", "refused"]
}

lacks_tls13 if {
	input.parameters.require_tls13
	body.protocols["tls1.3"] == "refused"
}

violations contains {
	"message": sprintf("%s:%d accepts %s", [body.host, body.port, protocol]),
	"path": sprintf("/protocols/%s", [protocol]),
	"found": "accepted",
	"wanted": "refused",
} if {
	body.reached == true
	some protocol in old
}

violations contains {
	"message": sprintf("%s:%d refuses tls1.3", [body.host, body.port]),
	"path": "/protocols/tls1.3",
	"found": "refused",
	"wanted": "accepted",
} if {
	body.reached == true
	lacks_tls13
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	body.reached == true
	count(violations) == 0
	count(unknown) == 0
}

verdict := "abort" if body.reached == false

verdict := "abort" if {
	body.reached == true
	count(violations) == 0
	count(unknown) > 0
}

reason := sprintf("%s:%d could not be reached: %v", [body.host, body.port, object.get(body, "error", "no cause given")]) if {
	body.reached == false
}

reason := sprintf("whether %s:%d accepts %s is not known", [body.host, body.port, concat(", ", unknown)]) if {
	body.reached == true
}
