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

listed := input.resources["image.image"]

scopes := {id: looked_at |
	some id, resource in listed
	looked_at := image.in_scope(resource, input.parameters.mode)
	is_boolean(looked_at)
}

# Architecture, distribution and version of each generic image on offer.
release := {id: [image.property(listed[id], name) | some name in ["architecture", "os_distro", "os_version"]] |
	some id, looked_at in scopes
	looked_at == true
	listed[id].body.visibility == "public"
	object.get(listed[id].body, "os_hidden", false) == false
	image.property(listed[id], "os_purpose") == "generic"
	image.filled(listed[id], "os_distro") == true
	image.filled(listed[id], "os_version") == true
}

releases := {r | some r in release}

bearers(r) := {id | some id, own in release; own == r}

crowded := {r | some r in releases; count(bearers(r)) > 1}

complete if count(scopes) == count(listed)

verdict := "fail" if {
	complete
	count(crowded) > 0
}

verdict := "pass" if {
	complete
	count(crowded) == 0
}

violations contains {
	"resource": listed[id].key,
	"message": sprintf("%s is one of %d generic images of %v %v for %v", [
		image.label(listed[id]),
		count(bearers(r)),
		r[1],
		r[2],
		r[0],
	]),
	"path": "/os_purpose",
	"found": "generic",
	"wanted": "generic on one of them only",
} if {
	verdict == "fail"
	some r in crowded
	some id in bearers(r)
}
