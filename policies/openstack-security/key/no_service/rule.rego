# METADATA
# title: The cloud keeps keys
# description: >-
#   The catalog has a key manager with an endpoint. Without one volumes cannot be
#   encrypted, images cannot be signed and load balancers cannot end TLS.
# scope: package
# custom:
#   id: os.key.no-service
#   severity: high
#   input: collection
#   per: subject
#   kinds: [identity.token]
#   requires:
#     identity.token: [/catalog]
#   standard: https://docs.scs.community/standards/scs-0116-v1-key-manager-standard
#   remediation: >-
#     Install Barbican (kolla-ansible: `enable_barbican: "yes"`) with an HSM or Vault
#     behind it, enter it into the catalog (`openstack service create --name barbican
#     key-manager`, `openstack endpoint create --region REGION key-manager public URL`),
#     and tell Cinder and Nova ([key_manager] backend = barbican).
package os.key.no_service

import rego.v1

reached contains endpoint.url if {
	some token in input.resources["identity.token"]
	some service in token.body.catalog
	service.type == "key-manager"
	some endpoint in service.endpoints
}

asked contains id if some id, _ in input.resources["identity.token"]

verdict := "pass" if count(reached) > 0

verdict := "fail" if {
	count(asked) > 0
	count(reached) == 0
}

violations contains {
	"message": "the catalog has no key manager",
	"path": "",
	"found": null,
	"wanted": "a service of type `key-manager` with an endpoint",
} if {
	count(reached) == 0
}
