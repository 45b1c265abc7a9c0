# METADATA
# title: Availability zones of storage line up with those of compute
# description: >-
#   scs-0121-v1, "Standard": several availability zones for storage are meant to follow
#   those for compute, so that a volume can be where its server is. Each zone in which
#   Cinder has a volume service has to be a zone of Nova where there are several. Whether
#   one zone is right, because its storage spans fire zones, is not in any API. The
#   standard demands nothing of zones for networks.
# scope: package
# custom:
#   id: scs-strict-0121-storage-zones
#   severity: low
#   input: collection
#   kinds: [compute.availability_zone, block-storage.service]
#   requires:
#     compute.availability_zone: [/zoneName]
#     block-storage.service: [/binary, /zone]
#   standard: https://docs.scs.community/standards/scs-0121-v1-Availability-Zones-Standard#standard
#   remediation: >-
#     Set `storage_availability_zone` of the volume service to the name of the compute
#     zone (cinder.conf, or `backend_availability_zone` per backend), or use one zone.
package scs_strict.scs_0121.storage_zones

import rego.v1

compute := {z.body.zoneName | some z in input.resources["compute.availability_zone"]}

volume_services := {id: s |
	some id, s in input.resources["block-storage.service"]
	s.body.binary == "cinder-volume"
}

storage := {s.body.zone | some s in volume_services}

apart := {id: s |
	some id, s in volume_services
	count(storage) > 1
	count({s.body.zone} & compute) == 0
}

known if {
	count(compute) > 0
	count(storage) > 0
}

verdict := "pass" if {
	known
	count(apart) == 0
}

verdict := "fail" if {
	known
	count(apart) > 0
}

verdict := "abort" if count(compute) == 0

verdict := "abort" if count(storage) == 0

reason := "Nova shows no availability zone" if count(compute) == 0

reason := "Cinder shows no volume service" if {
	count(compute) > 0
	count(storage) == 0
}

violations contains {
	"resource": s.key,
	"message": sprintf(
		"`cinder-volume` on `%v` is in the zone `%v`, which is no compute zone",
		[object.get(s.body, "host", id), s.body.zone],
	),
	"path": "/zone",
	"found": s.body.zone,
	"wanted": sort(compute),
} if {
	verdict == "fail"
	some id, s in apart
}
