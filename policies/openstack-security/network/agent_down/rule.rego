# METADATA
# title: The agents of Neutron run
# description: >-
#   Each agent is alive and enabled. On a host whose agent is down, ports are not wired,
#   routers and DHCP do not move, and security groups are not updated; do not upgrade
#   before they run.
# scope: package
# custom:
#   id: os.network.agent-down
#   severity: high
#   input: resource
#   kinds: [network.agent]
#   requires:
#     network.agent: [/alive, /admin_state_up]
#   standard: https://docs.openstack.org/api-ref/network/v2/index.html#networking-agents
#   remediation: >-
#     Read the log of the agent on its host and start it again (kolla-ansible: `docker
#     restart neutron_openvswitch_agent`, `ovn_controller`); `openstack network agent set
#     --enable AGENT` for one that was disabled; `openstack network agent delete AGENT`
#     for a host that is gone.
package os.network.agent_down

import rego.v1

body := input.resource.body

violations contains {
	"message": sprintf("%v on `%v` does not answer", [object.get(body, "agent_type", "the agent"), object.get(body, "host", null)]),
	"path": "/alive",
	"found": false,
	"wanted": true,
} if {
	body.alive == false
}

violations contains {
	"message": sprintf("%v on `%v` is disabled", [object.get(body, "agent_type", "the agent"), object.get(body, "host", null)]),
	"path": "/admin_state_up",
	"found": false,
	"wanted": true,
} if {
	body.admin_state_up == false
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	body.alive == true
	body.admin_state_up == true
}
