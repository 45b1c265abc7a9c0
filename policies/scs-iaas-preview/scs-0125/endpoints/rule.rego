# METADATA
# title: Endpoints use TLS
# description: >-
#   scs-0125-v1, "API Interfaces": the addresses of public and internal endpoints in the
#   catalog begin with https. Which versions and ciphers they speak (Mozilla's
#   "intermediate") takes a connection to each and is not judged.
# scope: package
# custom:
#   id: scs-preview-0125-endpoints
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0125-v1-secure-connections#api-interfaces
#   remediation: >-
#     Let the endpoint speak TLS (kolla_enable_tls_external, kolla_enable_tls_internal), and
#     openstack endpoint set --url https://.. <endpoint>
package scs_preview.scs_0125.endpoints

import rego.v1

import data.scs.lib.endpoint

endpoints := endpoint.all(input)

told := {e | some e in endpoints; e[1] in {"public", "internal"}}

plain := {e | some e in told; startswith(lower(e[3]), "https://") == false}

verdict := "abort" if count(input.resources["identity.token"]) == 0

verdict := "abort" if count(told) == 0

reason := "no token was collected, so there is no catalog to look into" if {
	count(input.resources["identity.token"]) == 0
}

reason := "the catalog has no public or internal endpoint" if {
	is_set(endpoints)
	count(told) == 0
}

verdict := "pass" if {
	count(told) > 0
	count(plain) == 0
	count([1 | some e in told; is_string(e[3]) == true]) == count(told)
}

verdict := "fail" if count(plain) > 0

violations contains {
	"message": sprintf("the %s endpoint of `%s` in region `%v` is `%s`", [e[1], e[0], e[2], e[3]]),
	"path": "/catalog",
	"found": e[3],
	"wanted": "https",
} if {
	verdict == "fail"
	some e in plain
}
