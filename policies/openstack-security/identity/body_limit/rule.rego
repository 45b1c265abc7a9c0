# METADATA
# title: Requests are limited in size
# description: >-
#   A body larger than 114 688 bytes is answered with 413 before anything else happens;
#   otherwise large bodies without any credential fill memory. Takes `collect --with
#   body-limit`. 401, 403 and 400 mean that the size was not looked at first.
# scope: package
# custom:
#   id: os.identity.body-limit
#   severity: low
#   input: resource
#   kinds: [endpoint.body_limit]
#   requires:
#     endpoint.body_limit: [/service, /interface, /url, /reached, /sent_bytes]
#   controls: ['osg:identity-05', 'osg:block-08', 'osg:shared-08']
#   standard: https://docs.openstack.org/security-guide/identity/checklist.html
#   remediation: >-
#     `[oslo_middleware] max_request_body_size = 114688` and `sizelimit` in the pipeline of
#     the service's api-paste.ini; or a limit in the load balancer. Uploads (Glance, Swift)
#     must not go through it.
package os.identity.body_limit

import rego.v1

import data.os.lib.answered

body := input.resource.body

let_in if {
	body.reached == true
	body.status >= 200
	body.status < 300
}

let_in if {
	body.reached == true
	body.status in [400, 401, 403]
}

verdict := "pass" if {
	body.reached == true
	body.status == 413
}

verdict := "fail" if let_in

verdict := "abort" if {
	not let_in
	object.get(body, "status", 0) != 413
}

reason := answered.unclear(body)

violations contains {
	"message": sprintf("the %s endpoint of %s takes a body of %d bytes and answers %d", [
		body.interface,
		body.service,
		body.sent_bytes,
		body.status,
	]),
	"path": "/status",
	"found": body.status,
	"wanted": 413,
} if {
	let_in
}
