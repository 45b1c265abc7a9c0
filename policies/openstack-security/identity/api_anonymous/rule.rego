# METADATA
# title: No service answers without a token
# description: >-
#   One list call to each service without a token. Answered with success, the service runs
#   without Keystone (`auth_strategy = noauth`). 401 is right; any other answer does not tell
#   who would be let in. Takes `collect --with anonymous`.
# scope: package
# custom:
#   id: os.identity.api-anonymous
#   severity: critical
#   input: resource
#   kinds: [endpoint.anonymous]
#   requires:
#     endpoint.anonymous: [/service, /interface, /url, /reached]
#   controls: ['osg:compute-03', 'osg:neutron-03', 'osg:shared-03', 'osg:block-03', 'osg:image-03', 'osg:key-manager-03']
#   standard: https://docs.openstack.org/security-guide/checklist.html
#   remediation: >-
#     Set `auth_strategy = keystone` in the service's configuration, and the pipeline with
#     `authtoken` in its api-paste.ini (Glance: `[paste_deploy] flavor = keystone`); restart
#     its API. Scripts that relied on it need credentials.
package os.identity.api_anonymous

import rego.v1

import data.os.lib.answered

body := input.resource.body

verdict := "pass" if {
	body.reached == true
	body.status == 401
}

verdict := "fail" if {
	body.reached == true
	body.status >= 200
	body.status < 300
}

verdict := "abort" if body.reached == false

verdict := "abort" if {
	body.reached == true
	body.status != 401
	not answered.success(body)
}

reason := answered.unclear(body)

violations contains {
	"message": sprintf("the %s endpoint of %s answers %d without a token", [body.interface, body.service, body.status]),
	"path": "/status",
	"found": body.status,
	"wanted": 401,
} if {
	verdict == "fail"
}
