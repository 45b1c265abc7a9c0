# METADATA
# title: The mandatory services are in the catalog under a type of theirs
# description: >-
#   scs-0123-v2, "Mandatory IaaS APIs": block-storage, compute, identity, image,
#   load-balancer, network and object-store-s3 are in the catalog, under that type or an
#   alias that the OpenStack Service Types Authority defines. It defines aliases for
#   block-storage only.
# scope: package
# custom:
#   id: scs-preview-0123-services
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0123-v2-services#mandatory-iaas-apis
#   remediation: >-
#     openstack service create --name <name> <type>; openstack endpoint create --region
#     <region> <type> public <url>
package scs_preview.scs_0123.services

import rego.v1

import data.scs.lib.endpoint

mandatory := {
	"block-storage": {"block-storage", "volumev3", "volumev2", "volume", "block-store"},
	"compute": {"compute"},
	"identity": {"identity"},
	"image": {"image"},
	"load-balancer": {"load-balancer"},
	"network": {"network"},
	"object-store-s3": {"object-store-s3"},
}

offered := {e[0] | some e in endpoint.all(input)}

missing := {service |
	some service, types in mandatory
	count(types & offered) == 0
}

verdict := "abort" if count(input.resources["identity.token"]) == 0

reason := "no token was collected, so there is no catalog to look into" if {
	count(input.resources["identity.token"]) == 0
}

readable if is_set(endpoint.all(input))

verdict := "pass" if {
	readable
	count(missing) == 0
}

verdict := "fail" if {
	readable
	count(missing) > 0
}

violations contains {
	"message": sprintf("the catalog has no endpoint of `%s`", [service]),
	"path": "/catalog",
	"found": sort(offered),
	"wanted": sort(mandatory[service]),
} if {
	verdict == "fail"
	some service in missing
}
