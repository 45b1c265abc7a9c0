# METADATA
# title: Servers are signed in to by key
# description: >-
#   A server started without a keypair gets its users and passwords some other way: in the
#   image, or in user data. Windows servers are left out, by `os_type` or `os_distro` of the
#   image or of the volume that was made from it.
# scope: package
# custom:
#   id: os.compute.server-no-keypair
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   absent: [block-storage.volume]
#   requires:
#     compute.server: [/key_name, /image]
#   joins:
#   - {name: images, kind: image.image, key: /image/id}
#   - {name: volumes, kind: block-storage.volume, key: '/os-extended-volumes:volumes_attached/*/id'}
#   controls: ['prowler:compute_instance_key_based_authentication']
#   standard: https://docs.openstack.org/nova/latest/user/launch-instances.html
#   remediation: >-
#     A keypair is given when a server is made or rebuilt: openstack server rebuild --key-name
#     KEY --image IMAGE SERVER, which erases its root disk. Or create it anew with --key-name.
package os.compute.server_no_keypair

import rego.v1

import data.os.lib.boot

body := input.resource.body

keyed if is_string(body.key_name)

known if boot.known(input)

windows if boot.windows(input)

verdict := "pass" if keyed

verdict := "pass" if {
	windows
	not keyed
}

verdict := "fail" if {
	body.key_name == null
	known
	not windows
}

verdict := "abort" if {
	body.key_name == null
	not known
}

reason := "which system the server runs is not known: neither its image nor a volume made from one is there"

violations contains {
	"message": "the server was started without a keypair",
	"path": "/key_name",
	"found": null,
	"wanted": "a keypair",
} if {
	verdict == "fail"
}
