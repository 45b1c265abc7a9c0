# METADATA
# title: Containers are not readable by everybody
# description: >-
#   The read ACL grants nothing to every referrer (`.r:*`): whoever knows the name of an
#   object would read it without signing in.
# scope: package
# custom:
#   id: os.object.public-read
#   severity: high
#   input: resource
#   kinds: [object-store.container]
#   absent: [object-store.container]
#   requires:
#     object-store.container: [/read_acl]
#   controls: ['prowler:objectstorage_container_public_read_acl_disabled']
#   standard: https://docs.openstack.org/swift/latest/overview_acl.html
#   remediation: >-
#     swift post --read-acl 'PROJECT:*' CONTAINER (or `swift post --read-acl '' CONTAINER`
#     for the owner alone). Websites and downloads that are served from it stop; hand out
#     temporary URLs in its place (`swift tempurl`).
package os.object.public_read

import rego.v1

body := input.resource.body

entries := split(body.read_acl, ",")

violations contains {
	"message": "everybody may read the objects, without signing in",
	"path": "/read_acl",
	"found": trim_space(entry),
	"wanted": "the projects and users that are meant",
} if {
	some entry in entries
	regex.match(`^\.(r|ref|referer|referrer):\s*\*$`, trim_space(entry))
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.read_acl)
	count(violations) == 0
}
