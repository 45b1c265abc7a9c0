# METADATA
# title: Customers can choose an encrypted volume type
# description: >-
#   Each region has a public volume type with encryption. Without one nobody can encrypt a
#   volume, also who wants to.
# scope: package
# custom:
#   id: os.block.no-encrypted-type
#   severity: high
#   input: collection
#   kinds: [block-storage.type, block-storage.type_encryption]
#   requires:
#     block-storage.type: [/is_public]
#   controls: ['osg:Block-09']
#   standard: https://docs.openstack.org/cinder/latest/configuration/block-storage/volume-encryption.html
#   remediation: >-
#     openstack volume type create --public --encryption-provider luks --encryption-cipher
#     aes-xts-plain64 --encryption-key-size 256 --encryption-control-location front-end
#     NAME. Cinder and Nova need Barbican for the keys ([key_manager] backend = barbican
#     in both), and users a role that may create secrets.
package os.block.no_encrypted_type

import rego.v1

encrypted contains id if {
	some id, type in input.resources["block-storage.type"]
	type.body.is_public == true
	encrypts(input.resources["block-storage.type_encryption"][id].body)
}

encrypts(encryption) if {
	provider := encryption.provider
	is_string(provider)
	provider != ""
	not idle(provider)
}

# It passes everything through.
idle(provider) if endswith(lower(provider), "noopencryptor")

verdict := "pass" if count(encrypted) > 0

verdict := "fail" if count(encrypted) == 0

violations contains {
	"message": "no public volume type is encrypted",
	"path": "",
	"found": null,
	"wanted": "a public volume type with encryption",
} if {
	count(encrypted) == 0
}
