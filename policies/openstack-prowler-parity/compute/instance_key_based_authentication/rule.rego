# METADATA
# title: Compute instances use SSH key-based authentication
# description: >-
#   Windows servers fail. `os.compute.server-no-keypair` leaves them out.
# scope: package
# custom:
#   id: prowler.compute_instance_key_based_authentication
#   severity: high
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/key_name]
#   controls: ['prowler:compute_instance_key_based_authentication']
#   standard: https://hub.prowler.com/check/compute_instance_key_based_authentication
#   remediation: >-
#     openstack server rebuild --key-name KEY --image IMAGE SERVER, which erases its root
#     disk.
package prowler.compute_instance_key_based_authentication

import rego.v1

body := input.resource.body

bad if body.key_name == null

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.key_name)
	not bad
}

violations contains {
	"message": "the server was started without a keypair",
	"path": "/key_name",
	"found": null,
	"wanted": "a keypair",
} if {
	bad
}
