# METADATA
# title: Encrypted volume types use a strong cipher
# description: >-
#   LUKS with a cipher of `ciphers` and a key of `min_key_size` bits or more (XTS uses
#   half of them for each of its two keys). A cipher or size that is left out is up to the
#   hypervisor, and is not judged. Types without encryption are the business of
#   os.block.no-encrypted-type.
# scope: package
# custom:
#   id: os.block.encryption-weak
#   severity: medium
#   input: resource
#   kinds: [block-storage.type_encryption]
#   standard: https://docs.openstack.org/cinder/latest/configuration/block-storage/volume-encryption.html
#   remediation: >-
#     openstack volume type set --encryption-provider luks --encryption-cipher
#     aes-xts-plain64 --encryption-key-size 256 --encryption-control-location front-end
#     TYPE. Cinder refuses this while volumes of the type exist: create a new type and
#     retype them.
#   parameters:
#     ciphers: [aes-xts-plain64]
#     min_key_size: 256
package os.block.encryption_weak

import rego.v1

body := input.resource.body

# The API answers `{}` for a type without encryption.
plain if {
	object.get(body, "provider", null) == null
	object.get(body, "encryption_id", null) == null
}

providers := {
	"luks", "luks2",
	"LuksEncryptor", "nova.volume.encryptors.luks.LuksEncryptor", "os_brick.encryptors.luks.LuksEncryptor",
}

strong if {
	body.provider in providers
	body.cipher in input.parameters.ciphers
	body.key_size >= input.parameters.min_key_size
}

violations contains {
	"message": sprintf("volumes of the type are encrypted by `%s`, not by LUKS", [provider]),
	"path": "/provider",
	"found": provider,
	"wanted": "luks",
} if {
	provider := body.provider
	is_string(provider)
	not provider in providers
}

violations contains {
	"message": sprintf("volumes of the type are encrypted with cipher `%s`", [cipher]),
	"path": "/cipher",
	"found": cipher,
	"wanted": input.parameters.ciphers,
} if {
	cipher := body.cipher
	is_string(cipher)
	not cipher in input.parameters.ciphers
}

violations contains {
	"message": sprintf("volumes of the type are encrypted with a key of %d bits", [body.key_size]),
	"path": "/key_size",
	"found": body.key_size,
	"wanted": input.parameters.min_key_size,
} if {
	is_number(body.key_size)
	body.key_size < input.parameters.min_key_size
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if plain

verdict := "pass" if strong

verdict := "abort" if {
	count(violations) == 0
	not plain
	not strong
}

reason := "cipher or key size are not set: the hypervisor chooses" if verdict == "abort"
