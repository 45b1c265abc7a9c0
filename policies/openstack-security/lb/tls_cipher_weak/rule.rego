# METADATA
# title: Load balancers offer no weak ciphers
# description: >-
#   No cipher suite of a listener that ends TLS matches one of `weak` (names as OpenSSL or
#   IANA spell them, with `*`): RC4, DES, NULL, export, anonymous, and CBC with SHA-1 (BSI
#   TR-02102-2). Where ciphers are not given, or by a keyword of OpenSSL, what that stands
#   for is not seen.
# scope: package
# custom:
#   id: os.lb.tls-cipher-weak
#   severity: medium
#   input: resource
#   kinds: [load-balancer.listener]
#   absent: [load-balancer.listener]
#   requires:
#     load-balancer.listener: [/protocol]
#   standard: https://docs.openstack.org/api-ref/load-balancer/v2/index.html#listeners
#   remediation: >-
#     openstack loadbalancer listener set --tls-ciphers
#     TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384
#     LISTENER; `default_listener_ciphers` in [api_settings] of octavia.conf for new ones.
#     Clients that know no better ones can no longer connect.
#   parameters:
#     weak:
#       ["*RC4*", "*DES*", "*NULL*", "*EXP*", "*MD5*", "*ADH*", "*AECDH*", "*DH_ANON*",
#       "*-SHA", "*_SHA"]
package os.lb.tls_cipher_weak

import rego.v1

import data.os.lib.names

body := input.resource.body

terminates if body.protocol == "TERMINATED_HTTPS"

given if {
	is_string(body.tls_ciphers)
	body.tls_ciphers != ""
}

# What is taken out, such as `!RC4`, is none of them.
ciphers contains cipher if {
	given
	words := split(upper(body.tls_ciphers), ":")
	some cipher in words
	not startswith(cipher, "!")
	not startswith(cipher, "-")
}

# Suites have words with `-` or `_` between them; `HIGH`, `ECDH+AES` or `kRSA` are several.
vague contains cipher if {
	some cipher in ciphers
	not regex.match(`^[A-Z0-9]+([-_][A-Z0-9]+)+$`, cipher)
}

violations contains {
	"message": sprintf("the listener offers the cipher suite %s", [cipher]),
	"path": "/tls_ciphers",
	"found": cipher,
	"wanted": "suites with AES-GCM or ChaCha20",
} if {
	terminates
	some cipher in ciphers
	names.listed(input.parameters.weak, cipher)
}

clear if {
	given
	count(vague) == 0
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.protocol)
	not terminates
}

verdict := "pass" if {
	terminates
	clear
	count(violations) == 0
}

verdict := "abort" if {
	terminates
	not clear
	count(violations) == 0
}

reason := "its cipher suites are not given by name" if verdict == "abort"
