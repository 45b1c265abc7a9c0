# METADATA
# title: Images called ubuntu-capi-image… are the official ones
# description: >-
#   Every public or community image of that name comes from the publisher, has
#   `os_purpose=k8snode` and the description that the standard names. Version 2 of the
#   standard is a draft; the id is our own.
# scope: package
# custom:
#   id: tidegate-scs-0104-v2-capi
#   severity: medium
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/name, /visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v2-standard-images
#   remediation: >-
#     Upload the image from
#     https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/ and set its
#     properties, or give it another name: openstack image set --property
#     os_purpose=k8snode --property
#     image_description=https://github.com/osism/k8s-capi-images --property
#     image_source=<url> <image>
#   parameters:
#     mode: reference
package scs.scs_0104.v2_capi

import rego.v1

import data.scs.lib.image

offered := image.offered(input)

named := {id: found |
	some id, found in offered
	name := object.get(found.body, "name", null)
	is_string(name) == true
	regex.match(`^ubuntu-capi-image[ -]v[0-9]\.[0-9]+`, name) == true
}

sources := [
	"https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/",
	"https://swift.services.a.regiocloud.tech/swift/v1/AUTH_b182637428444b9aa302bb8d5a5a418c/openstack-k8s-capi-images/",
]

values := {
	"os_purpose": "k8snode",
	"image_description": "https://github.com/osism/k8s-capi-images",
}

wrong contains object.union(violation, {"resource": found.key}) if {
	some found in named
	source := sprintf("%v", [image.property(found, "image_source")])
	count([prefix | some prefix in sources; startswith(source, prefix)]) == 0
	violation := image.violation(found, "image_source", sprintf("not below %s", [concat(" or ", sources)]), sources)
}

wrong contains object.union(violation, {"resource": found.key}) if {
	some found in named
	some name, value in values
	image.property(found, name) != value
	violation := image.violation(found, name, sprintf("not `%s`", [value]), value)
}

verdict := "pass" if {
	is_object(offered)
	count(wrong) == 0
}

verdict := "fail" if {
	is_object(offered)
	count(wrong) > 0
}

violations contains v if some v in wrong
