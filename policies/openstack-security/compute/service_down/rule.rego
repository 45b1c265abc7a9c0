# METADATA
# title: Compute services are up
# description: >-
#   A service of Nova that does not report, is forced down, is disabled and nobody wrote
#   why, or was disabled by Nova itself. Before an upgrade all must be up: what does not report is not upgraded.
# scope: package
# custom:
#   id: os.compute.service-down
#   severity: high
#   input: resource
#   kinds: [compute.service]
#   requires:
#     compute.service: [/binary, /host, /state, /status, /disabled_reason]
#   standard: https://docs.openstack.org/nova/latest/admin/services.html
#   remediation: >-
#     Look into the service's log on the host and restart it; openstack compute service set --up
#     HOST nova-compute ends forced down, once no server of it runs elsewhere. For a host that
#     is off on purpose: openstack compute service set --disable --disable-reason TEXT HOST
#     nova-compute. For one that is gone: openstack compute service delete ID.
package os.compute.service_down

import rego.v1

body := input.resource.body

where := sprintf("%s on `%s`", [body.binary, body.host])

violations contains {
	"message": sprintf("%s is down", [where]),
	"path": "/state",
	"found": "down",
	"wanted": "up",
} if {
	body.state == "down"
}

violations contains {
	"message": sprintf("%s is forced down", [where]),
	"path": "/forced_down",
	"found": true,
	"wanted": false,
} if {
	body.forced_down == true
}

violations contains {
	"message": sprintf("%s is disabled without a reason", [where]),
	"path": "/disabled_reason",
	"found": body.disabled_reason,
	"wanted": "why it is disabled",
} if {
	body.status == "disabled"
	body.disabled_reason in [null, ""]
}

# What Nova writes when it has lost the hypervisor of a host.
violations contains {
	"message": sprintf("%s was disabled by Nova itself: %s", [where, body.disabled_reason]),
	"path": "/disabled_reason",
	"found": body.disabled_reason,
	"wanted": "a hypervisor that works",
} if {
	body.status == "disabled"
	is_string(body.disabled_reason)
	startswith(body.disabled_reason, "AUTO:")
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	body.state == "up"
	body.status in ["enabled", "disabled"]
	count(violations) == 0
}
