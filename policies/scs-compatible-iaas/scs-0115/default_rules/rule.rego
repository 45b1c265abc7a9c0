# METADATA
# title: New security groups let everything out and nothing in
# description: >-
#   The template of new security groups has no ingress rule, except from the group itself
#   in the default group, and egress rules to everywhere for both IP versions in default
#   and custom groups. Mode `strict` leaves the egress rules out, which the text only
#   recommends.
# scope: package
# custom:
#   id: scs-0115-default-rules
#   severity: high
#   input: collection
#   kinds: [network.default_security_group_rule]
#   visibility: member
#   requires:
#     network.default_security_group_rule: [/direction, /ethertype, /remote_group_id, /remote_ip_prefix, /used_in_default_sg, /used_in_non_default_sg]
#   standard: https://docs.scs.community/standards/scs-0115-v1-default-rules-for-security-groups
#   remediation: >-
#     Delete ingress rules: openstack default security group rule delete <rule>. Add
#     egress rules: openstack default security group rule create --egress --ethertype IPv4
#     --for-default-sg --for-custom-sg, and for IPv6.
#   parameters:
#     mode: reference
package scs.scs_0115.default_rules

import rego.v1

mode := input.parameters.mode

rules := input.resources["network.default_security_group_rule"]

open_ingress contains id if {
	some id, r in rules
	r.body.direction == "ingress"
	harmless := {r.body.remote_group_id == "PARENT", r.body.used_in_non_default_sg == false} == {true}
	harmless == false
}

# [IP version, kind of group] that some egress rule to everywhere covers.
covered contains [r.body.ethertype, group] if {
	some r in rules
	r.body.direction == "egress"
	r.body.remote_ip_prefix == null
	some group, field in {"default": "used_in_default_sg", "custom": "used_in_non_default_sg"}
	r.body[field] == true
}

demanded := {
	"reference": {["IPv4", "default"], ["IPv4", "custom"], ["IPv6", "default"], ["IPv6", "custom"]},
	"strict": set(),
}

uncovered := demanded[mode] - covered

verdict := "pass" if {
	count(open_ingress) == 0
	count(uncovered) == 0
}

verdict := "fail" if {
	is_set(uncovered)
	count(open_ingress) > 0
}

verdict := "fail" if count(uncovered) > 0

violations contains {
	"resource": rules[id].key,
	"message": sprintf("new security groups let %s in from %s", [
		rules[id].body.ethertype,
		origin(rules[id].body),
	]),
	"path": "/direction",
	"found": "ingress",
	"wanted": "no ingress rule but from PARENT, in default groups only",
} if {
	verdict == "fail"
	some id in open_ingress
}

violations contains {
	"message": sprintf("new %s security groups do not let %s out to everywhere", [missing[1], missing[0]]),
	"path": "",
	"found": null,
	"wanted": {"direction": "egress", "ethertype": missing[0], "remote_ip_prefix": null},
} if {
	verdict == "fail"
	some missing in uncovered
}

origin(fields) := sprintf("%v", [fields.remote_ip_prefix]) if fields.remote_ip_prefix != null

origin(fields) := sprintf("group %v", [fields.remote_group_id]) if {
	fields.remote_ip_prefix == null
	fields.remote_group_id != null
}

origin(fields) := "everywhere" if {
	fields.remote_ip_prefix == null
	fields.remote_group_id == null
}
