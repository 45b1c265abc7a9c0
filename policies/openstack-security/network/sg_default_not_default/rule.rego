# METADATA
# title: Default security groups are as Neutron makes them
# description: >-
#   The group `default` lets in only what comes from itself. Ports get it when nobody
#   names a group, so what it lets in is let in to everything that nobody thought about.
#   Rules that are missing make it stricter and pass.
# scope: package
# custom:
#   id: os.network.sg-default-not-default
#   severity: medium
#   input: resource
#   kinds: [network.security_group]
#   requires:
#     network.security_group: [/id, /name]
#     network.security_group_rule: [/direction, /id, /security_group_id]
#   joins:
#   - {name: rules, kind: network.security_group_rule, key: /id, field: /security_group_id}
#   standard: https://docs.scs.community/standards/scs-0115-v1-default-rules-for-security-groups
#   remediation: >-
#     openstack security group rule list --ingress default (as the project), move what is
#     needed into a group of its own, add that to the servers (`openstack server add
#     security group SERVER GROUP`), then `openstack security group rule delete RULE`.
#     What comes by the rule is cut off for servers without the new group.
package os.network.sg_default_not_default

import rego.v1

body := input.resource.body

violations contains {
	"message": sprintf("rule %s of the default group lets in more than the group itself", [rule.id]),
	"path": "",
	"found": object.get(rule, "remote_ip_prefix", null),
	"wanted": "only rules whose remote group is the group itself",
} if {
	body.name == "default"
	some rule in input.joined.rules
	rule.direction == "ingress"
	object.get(rule, "remote_group_id", null) != body.id
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.name)
	count(violations) == 0
}
