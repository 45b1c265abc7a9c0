# METADATA
# title: Networks of the datacentre are not shared with everybody
# description: >-
#   A network that maps to a physical one (`provider:physical_network`: flat or VLAN) is
#   not shared with every project. Every customer could put a server into that segment.
# scope: package
# custom:
#   id: os.network.shared-provider-net
#   severity: high
#   input: resource
#   kinds: [network.network]
#   requires:
#     network.network: [/shared, /provider:physical_network]
#   standard: https://docs.openstack.org/neutron/latest/admin/config-rbac.html
#   remediation: >-
#     openstack network set --no-share NETWORK, and share it with those who need it:
#     `openstack network rbac create --type network --action access_as_shared
#     --target-project PROJECT NETWORK`. Neutron refuses while ports of others are there.
#     Networks for floating IPs need only `--external`.
package os.network.shared_provider_net

import rego.v1

body := input.resource.body

physical := body["provider:physical_network"]

mapped if is_string(physical)

verdict := "pass" if body.shared == false

verdict := "pass" if {
	body.shared == true
	physical == null
}

verdict := "fail" if {
	body.shared == true
	mapped
}

violations contains {
	"message": sprintf("the network is shared with every project and maps to physical network `%s`", [physical]),
	"path": "/shared",
	"found": true,
	"wanted": false,
} if {
	body.shared == true
	mapped
}
