# METADATA
# title: Security groups do not allow all ingress traffic from the Internet
# description: >-
#   Only the prefixes 0.0.0.0/0 and ::/0 and rules without a source count: halves of the
#   world (0.0.0.0/1 and 128.0.0.0/1) pass, and rules with an address group as source
#   fail whatever is in it. `os.network.sg-all-open-world` counts by what the rules
#   cover.
# scope: package
# custom:
#   id: prowler.networking_security_group_allows_all_ingress_from_internet
#   severity: critical
#   input: resource
#   kinds: [network.security_group]
#   requires:
#     network.security_group: [/security_group_rules]
#   controls: ['prowler:networking_security_group_allows_all_ingress_from_internet']
#   standard: https://hub.prowler.com/check/networking_security_group_allows_all_ingress_from_internet
#   remediation: >-
#     openstack security group rule delete RULE, after adding rules for what is needed.
package prowler.networking_security_group_allows_all_ingress_from_internet

import rego.v1

import data.prowler.lib.opening

body := input.resource.body

violations contains {
	"message": sprintf("rule `%s` lets everything in from the internet", [rule.id]),
	"path": sprintf("/security_group_rules/%d", [at]),
	"found": opening.source(rule),
	"wanted": "narrower addresses",
} if {
	some at, rule in body.security_group_rules
	opening.everything(rule)
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_array(body.security_group_rules)
	count(violations) == 0
}
