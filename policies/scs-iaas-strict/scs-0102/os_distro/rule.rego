# METADATA
# title: Images name their distribution as Glance does
# description: >-
#   scs-0102-v1, "Technical requirements and features", which refers to the properties
#   that Glance documents: `os_distro` is one of the names of Glance's list or, as that
#   list itself refers to libosinfo, one that libosinfo uses (`libosinfo`).
# scope: package
# custom:
#   id: scs-strict-0102-os-distro
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata#technical-requirements-and-features
#   remediation: "openstack image set --property os_distro=<name> <image>"
#   parameters:
#     mode: strict
#     glance: [arch, centos, debian, fedora, freebsd, gentoo, mandrake, mandriva, mes,
#       msdos, netbsd, netware, openbsd, opensolaris, opensuse, rhel, sled, ubuntu, windows]
#     libosinfo: [almalinux, alpinelinux, cirros, ol, rocky, sles]
package scs_strict.scs_0102.os_distro

import rego.v1

import data.scs.lib.image
import data.scs_strict.lib.image as vocabulary

words := array.concat(input.parameters.glance, input.parameters.libosinfo)

verdict := image.verdict(input, vocabulary.ok(input.resource, "os_distro", words))

violations contains image.violation(input.resource, "os_distro", image.one_of(words), words) if {
	verdict == "fail"
}
