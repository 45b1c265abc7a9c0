# METADATA
# title: Shares are not open to every address
# description: >-
#   No access rule grants a prefix as short as `ipv4` or `ipv6`: NFS asks for nothing but
#   the address.
# scope: package
# custom:
#   id: os.share.access-any
#   severity: high
#   input: resource
#   kinds: [shared-file-system.access_rule]
#   absent: [shared-file-system.access_rule]
#   requires:
#     shared-file-system.access_rule: [/access_type, /access_to]
#   standard: https://docs.openstack.org/api-ref/shared-file-system/#share-access-rules-since-api-v2-45
#   remediation: >-
#     openstack share access delete SHARE RULE, and `openstack share access create SHARE
#     ip PREFIX --access-level rw` for the networks that mount it. Clients from elsewhere
#     hang until they are unmounted.
#   parameters:
#     ipv4: 1
#     ipv6: 3
package os.share.access_any

import rego.v1

body := input.resource.body

by_address if body.access_type == "ip"

length := to_number(split(body.access_to, "/")[1]) if regex.match(`^[^/]+/[0-9]+$`, body.access_to)

# Manila also takes a mask, `10.0.0.0/255.0.0.0`.
masked if {
	by_address
	contains(body.access_to, "/")
	not length
}

wide if {
	by_address
	contains(body.access_to, ":")
	length <= input.parameters.ipv6
}

wide if {
	by_address
	address := body.access_to
	not contains(address, ":")
	length <= input.parameters.ipv4
}

verdict := "fail" if wide

verdict := "pass" if {
	is_string(body.access_type)
	is_string(body.access_to)
	not wide
	not masked
}

verdict := "abort" if masked

reason := sprintf("how many addresses `%s` are is not read", [body.access_to]) if masked

violations contains {
	"message": sprintf("every address of `%s` may mount the share (%v)", [body.access_to, object.get(body, "access_level", null)]),
	"path": "/access_to",
	"found": body.access_to,
	"wanted": "the networks that mount it",
} if {
	wide
}
