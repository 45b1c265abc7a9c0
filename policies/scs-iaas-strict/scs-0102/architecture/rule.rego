# METADATA
# title: Images name their CPU architecture as Glance does
# description: >-
#   scs-0102-v1, "Technical requirements and features", which refers to the properties
#   that Glance documents: `architecture` is one of the names of Glance's list, or one of
#   those that scs-0100 and scs-0102 use and the list lacks (`more`).
# scope: package
# custom:
#   id: scs-strict-0102-architecture
#   severity: low
#   input: resource
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata#technical-requirements-and-features
#   remediation: "openstack image set --property architecture=<name> <image>"
#   parameters:
#     mode: strict
#     glance: [alpha, armv7l, cris, i686, ia64, lm32, m68k, microblaze, microblazeel,
#       mips, mipsel, mips64, mips64el, openrisc, parisc, parisc64, ppc, ppc64, ppcemb,
#       s390, s390x, sh4, sh4eb, sparc, sparc64, unicore32, x86_64, xtensa, xtensaeb]
#     more: [aarch64, risc-v, riscv64]
package scs_strict.scs_0102.architecture

import rego.v1

import data.scs.lib.image
import data.scs_strict.lib.image as vocabulary

words := array.concat(input.parameters.glance, input.parameters.more)

verdict := image.verdict(input, vocabulary.ok(input.resource, "architecture", words))

violations contains image.violation(input.resource, "architecture", image.one_of(words), words) if {
	verdict == "fail"
}
