# METADATA
# title: No secrets in user data
# description: >-
#   User data is readable by every process in the server, by way of the metadata service, and
#   stays with it. It is looked at while it is collected and never stored.
# scope: package
# custom:
#   id: os.compute.server-userdata-secret
#   severity: high
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/tidegate/user_data]
#   standard: https://docs.openstack.org/nova/latest/user/user-data.html
#   remediation: >-
#     Have the server fetch the secret from the key manager at its first start, change the
#     secret, and create or rebuild the server (openstack server rebuild --user-data FILE
#     SERVER, API 2.57), which erases its root disk.
package os.compute.server_userdata_secret

import rego.v1

seen := input.resource.body.tidegate.user_data

verdict := "pass" if seen == "none"

verdict := "pass" if seen == "clean"

verdict := "fail" if seen == "secret"

verdict := "abort" if seen == "unreadable"

reason := "user data is no text, or has parts that are compressed or encoded, and was not looked into"

violations contains {
	"message": "user data holds a secret",
	"path": "/OS-EXT-SRV-ATTR:user_data",
	"found": object.get(input.resource.body, "OS-EXT-SRV-ATTR:user_data", null),
	"wanted": "no secret",
} if {
	seen == "secret"
}
