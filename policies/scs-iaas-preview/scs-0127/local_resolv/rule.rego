# METADATA
# title: DHCP agents do not hand out the resolvers of their host
# description: >-
#   scs-0127-v1, "Default DNS servers": with DHCP agents (Open vSwitch)
#   `dnsmasq_local_resolv` is off in dhcp_agent.ini, which it is unless set. Without DHCP
#   agents (OVN) there is nothing to set. Whether the resolvers that servers are given
#   check DNSSEC takes a request to each and is not judged.
# scope: package
# custom:
#   id: scs-preview-0127-local-resolv
#   severity: medium
#   input: collection
#   kinds: [network.agent, config.oslo]
#   requires:
#     network.agent: [/agent_type]
#     config.oslo: [/service, /file, /sections]
#   standard: https://docs.scs.community/standards/scs-0127-v1-dns#default-dns-servers
#   remediation: "Set `dnsmasq_local_resolv = False` in section [DEFAULT] of dhcp_agent.ini."
package scs_preview.scs_0127.local_resolv

import rego.v1

import data.scs.lib.oslo

agents := {id | some id, a in input.resources["network.agent"]; a.body.agent_type == "DHCP agent"}

files := {f.key: f |
	some f in input.resources["config.oslo"]
	f.body.service == "neutron"
	f.body.file == "dhcp_agent.ini"
}

# null where it is not set.
values := {key: found |
	some key, f in files
	found := oslo.value(f, "DEFAULT", "dnsmasq_local_resolv")
}

wrong := {key | some key, found in values; found != null; oslo.boolean(found) == true}

unclear := {key | some key, found in values; found != null; oslo.boolean(found) == null}

readable if count(values) == count(files)

verdict := "fail" if {
	readable
	count(wrong) > 0
}

verdict := "abort" if {
	readable
	count(wrong) == 0
	count(unclear) > 0
}

verdict := "abort" if {
	count(files) == 0
	count(agents) > 0
}

verdict := "pass" if {
	readable
	count(wrong) == 0
	count(unclear) == 0
	count(files) > 0
}

verdict := "pass" if {
	count(files) == 0
	count(agents) == 0
}

reason := sprintf(
	"there are %d DHCP agents, and no dhcp_agent.ini is among the configuration files",
	[count(agents)],
) if {
	count(files) == 0
}

reason := "dhcp_agent.ini says neither true nor false to `dnsmasq_local_resolv`" if count(unclear) > 0

violations contains {
	"resource": key,
	"message": sprintf(
		"dhcp_agent.ini: `dnsmasq_local_resolv` in section `DEFAULT` is `%s`, wanted false",
		[values[key]],
	),
	"path": "/sections/DEFAULT/dnsmasq_local_resolv",
	"found": values[key],
	"wanted": false,
} if {
	verdict == "fail"
	some key in wrong
}
