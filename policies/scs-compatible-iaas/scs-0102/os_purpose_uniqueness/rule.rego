# METADATA
# title: One generic image per distribution release and architecture
# description: >-
#   Mandatory in the next version of the scope, recommended before.
# scope: package
# custom:
#   id: scs-0102-os_purpose-uniqueness
#   severity: low
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v2-image-metadata
#   remediation: >-
#     Leave `os_purpose` at `generic` on the image that most users want, set it to
#     `oldgeneric` on those it replaced, or hide them: openstack image set --property
#     os_purpose=oldgeneric <image>
#   parameters:
#     mode: reference
package scs.scs_0102.os_purpose_uniqueness

import rego.v1

import data.scs.lib.image

offered := image.offered(input)

# [architecture, distribution and version, id] of each generic image on offer,
# those of one release side by side.
generic := sort([[release, id] |
	some id, found in offered
	found.body.visibility == "public"
	count({image.property(found, "os_hidden")} & {false, null}) > 0
	image.property(found, "os_purpose") == "generic"
	image.filled(found, "os_distro") == true
	image.filled(found, "os_version") == true
	release := [image.property(found, name) | some name in ["architecture", "os_distro", "os_version"]]
])

crowded contains entry[0] if {
	some i, entry in generic
	entry[0] == generic[i + 1][0]
}

bearers(release) := {entry[1] | some entry in generic; entry[0] == release}

verdict := "fail" if {
	is_object(offered)
	count(crowded) > 0
}

verdict := "pass" if {
	is_object(offered)
	count(crowded) == 0
}

violations contains {
	"resource": offered[id].key,
	"message": sprintf("%s is one of %d generic images of %v %v for %v", [
		image.label(offered[id]),
		count(together),
		release[1],
		release[2],
		release[0],
	]),
	"path": "/os_purpose",
	"found": "generic",
	"wanted": "generic on one of them only",
} if {
	verdict == "fail"
	some release in crowded
	together := bearers(release)
	some id in together
}
