# METADATA
# title: No firewall rule lets everything through
# description: >-
#   A rule that allows names a source or a destination. One without either undoes the
#   firewall behind it.
# scope: package
# custom:
#   id: os.network.fwaas-any
#   severity: high
#   input: resource
#   kinds: [network.firewall_rule]
#   absent: [network.firewall_rule]
#   requires:
#     network.firewall_rule: [/action, /enabled, /source_ip_address, /destination_ip_address]
#   standard: https://docs.openstack.org/neutron/latest/admin/fwaas.html
#   remediation: >-
#     openstack firewall group rule set --source-ip-address PREFIX RULE (or
#     `--destination-ip-address`), or `--disable-rule`. What comes from elsewhere is cut
#     off.
package os.network.fwaas_any

import rego.v1

body := input.resource.body

everywhere(address) if address in {null, ""}

# Whatever stands before it.
everywhere(address) if {
	is_string(address)
	regex.match(`/0+$`, address)
}

allows if {
	body.action == "allow"
	body.enabled == true
}

anything if {
	everywhere(body.source_ip_address)
	everywhere(body.destination_ip_address)
	object.get(body, "source_firewall_group_id", null) == null
	object.get(body, "destination_firewall_group_id", null) == null
}

verdict := "fail" if {
	allows
	anything
}

verdict := "pass" if {
	allows
	not anything
}

verdict := "pass" if {
	is_string(body.action)
	is_boolean(body.enabled)
	not allows
}

violations contains {
	"message": "the rule allows from everywhere to everywhere",
	"path": "/source_ip_address",
	"found": body.source_ip_address,
	"wanted": "a source or a destination",
} if {
	allows
	anything
}
