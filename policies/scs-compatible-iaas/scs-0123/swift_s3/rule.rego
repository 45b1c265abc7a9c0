# METADATA
# title: The object store speaks S3
# description: >-
#   A request to list buckets with an unknown access key is refused as S3 refuses it. A
#   cloud whose catalog has no `object-store` passes; in mode `strict` only if it has S3,
#   which the text demands.
# scope: package
# custom:
#   id: scs-0123-swift-s3
#   severity: medium
#   input: collection
#   kinds: [identity.token, object-store.s3]
#   absent: [object-store.s3]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#     object-store.s3: [/status, /code, /text]
#   standard: https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services
#   remediation: >-
#     Serve S3 at the root of the object store: for Ceph's RADOS Gateway enable the API
#     (rgw_enable_apis = s3, swift); for Swift put `s3api s3token` into the pipeline of
#     proxy-server.conf, before `keystoneauth`.
#   parameters:
#     mode: reference
package scs.scs_0123.swift_s3

import rego.v1

import data.scs.lib.catalog

stores := input.resources["object-store.s3"]

# Words of an S3 service that knows the request and not the key.
words := {"InvalidAccessKeyId", "NoSuchKey"}

speaking := {id |
	some id, store in stores
	is_number(store.body.status) == true
	store.body.status >= 400
	said := sprintf("%v %v", [store.body.code, store.body.text])
	some word in words
	contains(said, word)
}

# No object store: the text demands S3 nevertheless.
absent := {"verdict": "pass", "violations": set()} if {
	"object-store.s3" in input.absent
	count(stores) == 0
	input.parameters.mode == "reference"
}

absent := catalog.judge(input, {"object-store-s3", "s3"}) if {
	"object-store.s3" in input.absent
	count(stores) == 0
	input.parameters.mode == "strict"
}

verdict := absent.verdict

reason := absent.reason

violations contains v if some v in absent.violations

verdict := "pass" if {
	count(stores) > 0
	count(speaking) == count(stores)
}

verdict := "fail" if {
	statuses := [store.body.status | some store in stores; is_number(store.body.status)]
	count(statuses) == count(stores)
	count(speaking) < count(stores)
}

violations contains {
	"resource": store.key,
	"message": sprintf("%v answers a request to list buckets with status %v and `%v`, not as S3 does", [
		object.get(store.body, "endpoint", "the object store"),
		store.body.status,
		object.get(store.body, "code", null),
	]),
	"path": "/code",
	"found": store.body.code,
	"wanted": "InvalidAccessKeyId",
} if {
	verdict == "fail"
	some id, store in stores
	not id in speaking
}
