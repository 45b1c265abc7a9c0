# METADATA
# title: There is a generic image of the latest Ubuntu LTS
# description: >-
#   A public or community image with `os_distro=ubuntu`, the `os_version` of the latest
#   release with long-term support, and `os_purpose=generic`; one of April counts from
#   the first of May on. Version 2 of the standard is a draft; the id is our own.
# scope: package
# custom:
#   id: tidegate-scs-0104-v2-image-ubuntu-lts
#   severity: medium
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0104-v2-standard-images
#   remediation: >-
#     Upload it from https://cloud-images.ubuntu.com/releases/ as a public image:
#     openstack image create --public --property os_distro=ubuntu --property
#     os_version=<release> --property os_purpose=generic --property
#     image_source=https://cloud-images.ubuntu.com/releases/… <image>
#   parameters:
#     mode: reference
package scs.scs_0104.v2_image_ubuntu_lts

import rego.v1

import data.scs.lib.image
import data.scs.lib.utc

offered := image.offered(input)

now := utc.instant(input.now)

year := utc.number(split(utc.date(floor(now / 86400)), "-")[0])

# Releases with long-term support come in April of even years and have to be
# offered by the end of that month.
released := year if {
	year % 2 == 0
	now >= next_may(year)
} else := (year - 2) + (year % 2)

wanted := sprintf("%s.04", [utc.two(released % 100)])

next_may(of_year) := utc.days(of_year, 5, 1) * 86400

bearing := {id |
	some id, found in offered
	image.property(found, "os_distro") == "ubuntu"
	image.property(found, "os_version") == wanted
	image.property(found, "os_purpose") == "generic"
}

verdict := "pass" if {
	is_object(offered)
	count(bearing) > 0
}

verdict := "fail" if {
	is_object(offered)
	is_string(wanted)
	count(bearing) == 0
}

valid_until := utc.rfc3339(next_may(released + 2))

violations contains {
	"message": sprintf("no image has `os_distro` ubuntu, `os_version` %s and `os_purpose` generic", [wanted]),
	"path": "",
	"found": null,
	"wanted": {"os_distro": "ubuntu", "os_version": wanted, "os_purpose": "generic"},
} if {
	verdict == "fail"
}
