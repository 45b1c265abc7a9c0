# METADATA
# title: Load balancers work
# description: >-
#   Neither the provisioning nor the operating status is ERROR; Octavia sets the latter
#   once all members are down. Do not upgrade before it is mended: failovers need a state
#   that is whole.
# scope: package
# custom:
#   id: os.lb.error
#   severity: high
#   input: resource
#   kinds: [load-balancer.load_balancer]
#   absent: [load-balancer.load_balancer]
#   requires:
#     load-balancer.load_balancer: [/provisioning_status, /operating_status]
#   standard: https://docs.openstack.org/api-ref/load-balancer/v2/index.html#status-codes
#   remediation: >-
#     openstack loadbalancer status show LB and the log of octavia-worker tell what broke;
#     `openstack loadbalancer failover LB` builds its amphorae anew (connections break).
#     If members are down, mend them or the health monitor: `openstack loadbalancer member
#     list POOL`.
package os.lb.error

import rego.v1

body := input.resource.body

violations contains {
	"message": "the load balancer could not be provisioned",
	"path": "/provisioning_status",
	"found": "ERROR",
	"wanted": "ACTIVE",
} if {
	body.provisioning_status == "ERROR"
}

violations contains {
	"message": "the load balancer does not work: all its members are down",
	"path": "/operating_status",
	"found": "ERROR",
	"wanted": "ONLINE",
} if {
	body.operating_status == "ERROR"
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.provisioning_status)
	is_string(body.operating_status)
	count(violations) == 0
}
