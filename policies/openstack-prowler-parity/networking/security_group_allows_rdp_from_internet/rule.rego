# METADATA
# title: Security groups do not allow RDP from the Internet
# description: >-
#   Only the prefixes 0.0.0.0/0 and ::/0 and rules without a source count: halves of the
#   world (0.0.0.0/1 and 128.0.0.0/1) pass, and rules with an address group as source
#   fail whatever is in it. `os.network.sg-rdp-open-world` counts by what the rules
#   cover.
# scope: package
# custom:
#   id: prowler.networking_security_group_allows_rdp_from_internet
#   severity: high
#   input: resource
#   kinds: [network.security_group]
#   requires:
#     network.security_group: [/id]
#     network.security_group_rule: [/security_group_id]
#   joins:
#   - {name: rules, kind: network.security_group_rule, key: /id, field: /security_group_id}
#   controls: ['prowler:networking_security_group_allows_rdp_from_internet']
#   standard: https://hub.prowler.com/check/networking_security_group_allows_rdp_from_internet
#   remediation: >-
#     openstack security group rule delete RULE, after adding one with a narrower
#     --remote-ip.
package prowler.networking_security_group_allows_rdp_from_internet

import rego.v1

import data.prowler.lib.opening

violations contains {
	"message": sprintf("rule `%s` lets RDP in from the internet", [id]),
	"path": "",
	"found": opening.source(rule),
	"wanted": "narrower addresses",
} if {
	some id, rule in input.joined.rules
	opening.port(rule, 3389)
}

readable contains id if {
	some id, rule in input.joined.rules
	rule.direction in ["ingress", "egress"]
	object.get(rule, "remote_ip_prefix", 0) != 0
	object.get(rule, "remote_group_id", 0) != 0
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(readable) == count(input.joined.rules)
	count(violations) == 0
}
