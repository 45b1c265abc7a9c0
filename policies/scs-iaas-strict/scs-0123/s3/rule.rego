# METADATA
# title: S3 is offered in every region
# description: >-
#   scs-0123-v1, "Mandatory IaaS APIs": there is an S3 API. Either the catalog has a public
#   endpoint of a type for S3 in the region, or the object store there answers a request
#   for buckets as S3 does. That the implementation is described publicly is not in any
#   API.
# scope: package
# custom:
#   id: scs-strict-0123-s3
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.token, object-store.s3]
#   absent: [object-store.s3]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#     object-store.s3: [/code, /status]
#   standard: https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services#mandatory-iaas-apis
#   remediation: >-
#     Let the object store speak S3 (Ceph RGW does) and enter it: openstack service create
#     --name s3 object-store-s3; openstack endpoint create --region <region>
#     object-store-s3 public <url>
package scs_strict.scs_0123.s3

import rego.v1

import data.scs.lib.endpoint

endpoints := endpoint.all(input)

regions := endpoint.regions(endpoints)

listed := endpoint.covered(endpoints, {"s3", "object-store-s3"}, "public")

# An access key that nobody has is refused with one of these.
refusals := {"InvalidAccessKeyId", "NoSuchKey", "AccessDenied", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed"}

answering := {s.region |
	some s in input.resources["object-store.s3"]
	count({s.body.code} & refusals) == 1
}

gaps := (regions - listed) - answering

verdict := "pass" if {
	count(regions) > 0
	count(gaps) == 0
}

verdict := "fail" if count(gaps) > 0

verdict := "abort" if count(input.resources["identity.token"]) == 0

verdict := "abort" if count(regions) == 0

reason := "no token was collected, so there is no catalog to look into" if {
	count(input.resources["identity.token"]) == 0
}

reason := "the catalog names no region" if count(regions) == 0

violations contains {
	"message": sprintf("region `%s` has no endpoint for S3 in the catalog, and %s", [region, store(region)]),
	"path": "/catalog",
	"found": sort({e[0] | some e in endpoints; e[2] == region}),
	"wanted": "object-store-s3",
} if {
	verdict == "fail"
	some region in gaps
}

store(region) := sprintf("its object store answers with status %v and code `%v`, not as S3 does", [s.body.status, s.body.code]) if {
	some s in input.resources["object-store.s3"]
	s.region == region
} else := "it has no object store"
