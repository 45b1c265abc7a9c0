# METADATA
# title: A refused sign-in does not say why
# description: >-
#   With `insecure_debug`, Keystone's 401 tells whether the user exists or the password is
#   wrong, which helps whoever guesses. One sign-in as a user that cannot exist; takes
#   `collect --with auth-errors`.
# scope: package
# custom:
#   id: os.identity.insecure-debug
#   severity: medium
#   input: resource
#   kinds: [endpoint.auth_error]
#   requires:
#     endpoint.auth_error: [/url, /reached]
#   controls: ['osg:identity-07']
#   standard: https://docs.openstack.org/security-guide/identity/checklist.html
#   remediation: >-
#     `[DEFAULT] insecure_debug = false` in keystone.conf, and restart Keystone. Its log still
#     has the reason.
package os.identity.insecure_debug

import rego.v1

import data.os.lib.answered

body := input.resource.body

refused if {
	body.reached == true
	body.status == 401
}

verdict := "pass" if {
	refused
	body.names_reason == false
}

verdict := "fail" if {
	refused
	body.names_reason == true
}

# The collector says whether a reason is named only where it could read the message.
unread if {
	refused
	named := object.get(body, "names_reason", null)
	not is_boolean(named)
}

verdict := "abort" if not refused

verdict := "abort" if unread

reason := answered.unclear(body) if not refused

reason := sprintf("%s refused the sign-in without a message that can be read", [body.url]) if unread

violations contains {
	"message": "a refused sign-in names the reason",
	"path": "/message",
	"found": object.get(body, "message", null),
	"wanted": "a message that is always the same",
} if {
	verdict == "fail"
}
