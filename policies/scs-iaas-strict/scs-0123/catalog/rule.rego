# METADATA
# title: The mandatory services have a public endpoint in every region
# description: >-
#   scs-0123-v1, "Mandatory IaaS APIs": block storage, compute, identity, image, load
#   balancer and network are findable in the catalog. Each has to have an endpoint of the
#   interface `public` in every region that the catalog names. Whether they answer is seen
#   by collecting from them.
# scope: package
# custom:
#   id: scs-strict-0123-catalog
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0123-v1-mandatory-and-supported-IaaS-services#mandatory-iaas-apis
#   remediation: "openstack endpoint create --region <region> <service> public <url>"
package scs_strict.scs_0123.catalog

import rego.v1

import data.scs.lib.endpoint

mandatory := {
	"block-storage": {"block-storage", "volumev3", "volume"},
	"compute": {"compute"},
	"identity": {"identity"},
	"image": {"image"},
	"load-balancer": {"load-balancer"},
	"network": {"network"},
}

endpoints := endpoint.all(input)

regions := endpoint.regions(endpoints)

gaps := {[service, region] |
	some service, types in mandatory
	uncovered := regions - endpoint.covered(endpoints, types, "public")
	some region in uncovered
}

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
	"message": sprintf("the catalog has no public endpoint of `%s` in region `%s`", [gap[0], gap[1]]),
	"path": "/catalog",
	"found": sort({e[0] | some e in endpoints; e[1] == "public"; e[2] == gap[1]}),
	"wanted": sort(mandatory[gap[0]]),
} if {
	verdict == "fail"
	some gap in gaps
}
