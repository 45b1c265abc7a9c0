# METADATA
# title: The catalog uses the canonical types of services
# description: >-
#   scs-0123-v2, "Mandatory IaaS APIs" and "Supported IaaS APIs": entries should use the
#   type that the OpenStack Service Types Authority lists, not an alias of it. v2 also
#   calls supported services by other types than v1 did. An alias beside the canonical
#   type, for old clients, is accepted. Types that the standard does not name are free.
# scope: package
# custom:
#   id: scs-preview-0123-canonical
#   severity: low
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0123-v2-services#mandatory-iaas-apis
#   remediation: >-
#     Add the service under its canonical type, with the same endpoints: openstack service
#     create --name <name> <type>
package scs_preview.scs_0123.canonical

import rego.v1

# Aliases of the authority, and types that only v1 of the standard used.
aliases := {
	"block-storage": {"volumev3", "volumev2", "volume", "block-store"},
	"baremetal": {"bare-metal"},
	"instance-ha": {"ha"},
	"object-store-s3": {"s3"},
	"rating": {"billing"},
	"shared-file-system": {"sharev2", "share", "shared-file-systems"},
	"time-series-database": {"metric", "time-series-databse"},
}

tokens := input.resources["identity.token"]

catalogs := [t.body.catalog | some t in tokens; is_array(t.body.catalog) == true]

types := {service.type | some catalog in catalogs; some service in catalog}

aliased := {[canonical, alias] |
	some canonical, names in aliases
	count({canonical} & types) == 0
	some alias in names
	alias in types
}

readable if {
	count(tokens) > 0
	count(catalogs) == count(tokens)
	typed := [1 | some catalog in catalogs; some service in catalog; is_string(service.type) == true]
	count(typed) == sum([count(catalog) | some catalog in catalogs])
}

verdict := "abort" if count(tokens) == 0

reason := "no token was collected, so there is no catalog to look into" if count(tokens) == 0

verdict := "pass" if {
	readable
	count(aliased) == 0
}

verdict := "fail" if {
	readable
	count(aliased) > 0
}

violations contains {
	"message": sprintf("the catalog has `%s` and not the canonical type `%s`", [pair[1], pair[0]]),
	"path": "/catalog",
	"found": pair[1],
	"wanted": pair[0],
} if {
	verdict == "fail"
	some pair in aliased
}
