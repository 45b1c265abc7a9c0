# METADATA
# title: New security groups let everything out and nothing in
# description: >-
#   The template of new security groups has no ingress rule, except from the group itself
#   in the default group, and egress rules to everywhere for both IP versions in default
#   and custom groups. A Neutron that does not tell the template is probed: a new group
#   has no ingress rule, and an egress rule for both IP versions. Mode `strict` leaves the
#   egress rules out, which the text only recommends.
# scope: package
# custom:
#   id: scs-0115-default-rules
#   severity: high
#   input: collection
#   kinds: [network.default_security_group_rule, probe.default_security_group]
#   absent: [network.default_security_group_rule]
#   visibility: member
#   requires:
#     network.default_security_group_rule: [/direction, /ethertype, /remote_group_id, /remote_ip_prefix, /used_in_default_sg, /used_in_non_default_sg]
#     probe.default_security_group: [/probed_at, /outcome]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0115-v1-default-rules-for-security-groups
#   remediation: >-
#     Delete ingress rules: openstack default security group rule delete <rule>. Add
#     egress rules: openstack default security group rule create --egress --ethertype IPv4
#     --for-default-sg --for-custom-sg, and for IPv6. A Neutron before 2023.2 has a fixed
#     template.
#   parameters:
#     mode: reference
#     lifetime: week
package scs.scs_0115.default_rules

import rego.v1

import data.scs.lib.probe
import data.scs.lib.utc

mode := input.parameters.mode

rules := input.resources["network.default_security_group_rule"]

# Whether Neutron tells its template.
told := count({kind | some kind in input.absent} & {"network.default_security_group_rule"}) == 0

open_ingress contains id if {
	some id, r in rules
	r.body.direction == "ingress"
	harmless := {r.body.remote_group_id == "PARENT", r.body.used_in_non_default_sg == false} == {true}
	harmless == false
}

# [IP version, kind of group] that some egress rule to everywhere covers.
covered contains [r.body.ethertype, group] if {
	told == true
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

uncovered := demanded[mode] - covered if told == true

# Without the template: the rules of a group that a probe created.
found := probe.state(input, "probe.default_security_group", "scs-0115-default-rules")

created := found.body.rules if {
	told == false
	found.verdict == "judge"
	is_array(found.body.rules) == true
}

open_created contains n if {
	some n, r in created
	r.direction == "ingress"
}

covered contains [r.ethertype, "custom"] if {
	some r in created
	r.direction == "egress"
}

uncovered := {pair | some pair in demanded[mode]; pair[1] == "custom"} - covered if is_array(created)

settled := probe.settled(found) if {
	told == false
	found.verdict != "judge"
}

wrong := (count(open_ingress) + count(open_created)) + count(uncovered)

verdict := "pass" if wrong == 0

verdict := "fail" if wrong > 0

verdict := settled.verdict

reason := settled.reason

valid_until := utc.forever if told == true

valid_until := found.until if told == false

violations contains {
	"resource": found.key,
	"message": sprintf("a new security group lets %s in from %s", [created[n].ethertype, origin(created[n])]),
	"path": sprintf("/rules/%d/direction", [n]),
	"found": "ingress",
	"wanted": "no ingress rule",
} if {
	verdict == "fail"
	some n in open_created
}

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
