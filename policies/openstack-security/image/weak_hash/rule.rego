# METADATA
# title: Images are known by a strong hash
# description: >-
#   `os_hash_algo` is there and none of `weak`, so that whoever downloads an image can
#   tell that it is the one that was uploaded. Images that are not active have nothing to
#   hash yet.
# scope: package
# custom:
#   id: os.image.weak-hash
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/status]
#   standard: https://docs.openstack.org/glance/latest/user/os_hash_algo.html
#   remediation: >-
#     Set `hashing_algorithm = sha512` ([DEFAULT] of glance-api.conf, the default),
#     restart glance-api and upload the image again: the hash of one that exists is not
#     computed anew. Its id changes; keep the old one hidden (`openstack image set
#     --hidden`) for servers that use it.
#   parameters:
#     weak: [md5, sha1]
package os.image.weak_hash

import rego.v1

body := input.resource.body

found := object.get(body, "os_hash_algo", null)

active if body.status == "active"

weak if found in {null, ""}

weak if lower(sprintf("%v", [found])) in input.parameters.weak

verdict := "pass" if {
	is_string(body.status)
	not active
}

verdict := "pass" if {
	active
	is_string(found)
	not weak
}

verdict := "fail" if {
	active
	weak
}

violations contains {
	"message": sprintf("the hash of the image is %v", [found]),
	"path": "/os_hash_algo",
	"found": found,
	"wanted": "sha512",
} if {
	active
	weak
}
