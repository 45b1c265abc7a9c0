# METADATA
# title: Keypairs are strong
# description: >-
#   DSA keys, and RSA keys of less than `rsa_bits`. The length is read from the public key.
#   ECDSA and Ed25519 pass.
# scope: package
# custom:
#   id: os.compute.keypair-weak
#   severity: medium
#   input: resource
#   kinds: [compute.keypair]
#   requires:
#     compute.keypair: [/name, /public_key]
#   standard: https://www.bsi.bund.de/SharedDocs/Downloads/EN/BSI/Publications/TechGuidelines/TG02102/BSI-TR-02102-4.html
#   remediation: >-
#     ssh-keygen -t ed25519; openstack keypair create --public-key FILE NEW; put the new key
#     into the servers' authorized_keys, take the old one out, then openstack keypair delete
#     OLD: deleting alone changes no server.
#   parameters:
#     rsa_bits: 3072
package os.compute.keypair_weak

import rego.v1

body := input.resource.body

words := split(body.public_key, " ")

type := words[0]

strong if type in [
	"ssh-ed25519",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com",
]

# The key with the exponent 65537, which all tools use: 18 bytes say so in base64, then come
# 4 for the length of the modulus and the modulus, with a zero byte before it (RFC 4253, 6.6).
plain := trim_right(words[1], "=")

usual if startswith(plain, "AAAAB3NzaC1yc2EAAAADAQAB")

bits := 8 * (floor((count(plain) * 3) / 4) - 23) if {
	type == "ssh-rsa"
	usual
}

weak if type == "ssh-dss"

weak if bits < input.parameters.rsa_bits

found := sprintf("RSA, %d bits", [bits]) if type == "ssh-rsa"

found := "DSA" if type == "ssh-dss"

verdict := "pass" if strong

verdict := "pass" if bits >= input.parameters.rsa_bits

verdict := "fail" if weak

verdict := "abort" if {
	type
	not strong
	not weak
	not bits
}

reason := sprintf("the public key of keypair `%s` is of a form that is not known", [body.name])

violations contains {
	"message": sprintf("keypair `%s` is weak: %s", [body.name, found]),
	"path": "/public_key",
	"found": found,
	"wanted": sprintf("Ed25519, ECDSA, or RSA of %d bits", [input.parameters.rsa_bits]),
} if {
	weak
}
