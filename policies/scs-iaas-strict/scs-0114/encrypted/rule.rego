# METADATA
# title: Volume types that advertise encryption encrypt
# description: >-
#   scs-0114-v1, "Standardized Aspects" and "Encryption": a type whose description begins
#   with the aspect `encrypted` has an encryption with a provider.
# scope: package
# custom:
#   id: scs-strict-0114-encrypted
#   severity: high
#   input: resource
#   kinds: [block-storage.type]
#   joins:
#   - {name: encryption, kind: block-storage.type_encryption, key: /id}
#   requires:
#     block-storage.type: [/id, /description]
#   standard: https://docs.scs.community/standards/scs-0114-v1-volume-type-standard#encryption
#   remediation: >-
#     openstack volume type set --encryption-provider luks --encryption-cipher
#     aes-xts-plain64 --encryption-key-size 256 --encryption-control-location front-end
#     <type>, or take the aspect out of the description.
package scs_strict.scs_0114.encrypted

import rego.v1

import data.scs_strict.lib.volume_type

body := input.resource.body

advertised := count(volume_type.aspects(input.resource) & {"encrypted"}) > 0

providers := {sprintf("%v", [object.get(e, "provider", "")]) | some e in input.joined.encryption} - {"", "null"}

verdict := "pass" if advertised == false

verdict := "pass" if {
	advertised == true
	count(providers) > 0
}

verdict := "fail" if {
	advertised == true
	count(providers) == 0
}

violations contains {
	"message": sprintf(
		"volume type `%v` advertises `encrypted` and has no encryption",
		[object.get(body, "name", null)],
	),
	"path": "/description",
	"found": body.description,
	"wanted": "an encryption with a provider, or a description without `encrypted`",
} if {
	verdict == "fail"
}
