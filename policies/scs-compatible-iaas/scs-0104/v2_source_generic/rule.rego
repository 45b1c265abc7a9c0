# METADATA
# title: Generic images of Debian and Ubuntu come from the publisher
# description: >-
#   Every public or community image with `os_purpose=generic` of Debian or Ubuntu has an
#   `image_source` below the folder of its release. For a release whose code name is not
#   known here any folder will do. Version 2 of the standard is a draft; the id is our
#   own.
# scope: package
# custom:
#   id: tidegate-scs-0104-v2-source-generic
#   severity: medium
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v2-standard-images
#   remediation: >-
#     Upload the image from the publisher and set `image_source` to its URL: openstack
#     image set --property image_source=https://cloud.debian.org/images/cloud/trixie/…
#     <image>
#   parameters:
#     mode: reference
package scs.scs_0104.v2_source_generic

import rego.v1

import data.scs.lib.image

offered := image.offered(input)

# Where images may come from; a release has a folder below each.
places := {
	"debian": ["https://cloud.debian.org/images/cloud/", "https://cdimage.debian.org/cdimage/cloud/"],
	"ubuntu": ["https://cloud-images.ubuntu.com/releases/", "https://cloud-images.ubuntu.com/"],
}

codenames := {
	"debian": {"10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"},
	"ubuntu": {
		"18.04": "bionic",
		"20.04": "focal",
		"22.04": "jammy",
		"24.04": "noble",
		"24.10": "oracular",
		"25.04": "plucky",
		"25.10": "questing",
		"26.04": "resolute",
	},
}

# The permitted beginnings of the source of each image that has to have one.
permitted := {id: [prefix | some place in places[distro]; prefix := concat("", [place, folder])] |
	some id, found in offered
	image.property(found, "os_purpose") == "generic"
	distro := image.property(found, "os_distro")
	is_array(places[distro]) == true
	folder := folder_of(object.get(codenames[distro], sprintf("%v", [image.property(found, "os_version")]), null))
}

folder_of(null) := ""

folder_of(codename) := concat("", [codename, "/"]) if codename != null

strange := {id |
	some id, prefixes in permitted
	source := sprintf("%v", [image.property(offered[id], "image_source")])
	count([prefix | some prefix in prefixes; startswith(source, prefix)]) == 0
}

verdict := "pass" if {
	is_object(offered)
	count(strange) == 0
}

verdict := "fail" if {
	is_object(offered)
	count(strange) > 0
}

violations contains object.union(violation, {"resource": offered[id].key}) if {
	verdict == "fail"
	some id in strange
	prefixes := permitted[id]
	violation := image.violation(offered[id], "image_source", sprintf("not below %s", [concat(" or ", prefixes)]), prefixes)
}
