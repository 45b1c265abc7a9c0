# METADATA
# title: New security groups let everything out and nothing in
# description: >-
#   The template of new security groups has no ingress rule, except from the group itself
#   in the default group, and egress rules to everywhere for both IP versions in default
#   and custom groups. A Neutron that does not tell the template is probed: a new group
#   has no ingress rule, and an egress rule for both IP versions. A cloud without a Neutron
#   cannot be judged. Mode `strict` leaves the egress rules out, which the text only
#   recommends.
# scope: package
# custom:
#   id: scs-0115-default-rules
#   severity: high
#   input: collection
#   kinds: [network.default_security_group_rule, probe.default_security_group, identity.token]
#   absent: [network.default_security_group_rule]
#   visibility: member
#   requires:
#     network.default_security_group_rule: [/direction]
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

# A field that a rule lacks counts as null, and as false where the suite's client knows
# it for true or false.
said(r, field) := object.get(r.body, field, null)

open_ingress contains id if {
	some id, r in rules
	r.body.direction == "ingress"
	custom := count({said(r, "used_in_non_default_sg")} & {false, null}) == 0
	harmless := {said(r, "remote_group_id") == "PARENT", custom == false} == {true}
	harmless == false
}

# [IP version, kind of group] that some egress rule to everywhere covers.
covered contains [said(r, "ethertype"), group] if {
	told == true
	some r in rules
	r.body.direction == "egress"
	said(r, "remote_ip_prefix") == null
	some group, field in {"default": "used_in_default_sg", "custom": "used_in_non_default_sg"}
	said(r, field) == true
}

# Mode `strict` wants all said.
vague := {id |
	mode == "strict"
	some id, r in rules
	count(object.keys(r.body) & fields) < count(fields)
}

fields := {"ethertype", "remote_group_id", "remote_ip_prefix", "used_in_default_sg", "used_in_non_default_sg"}

demanded := {
	"reference": {["IPv4", "default"], ["IPv4", "custom"], ["IPv6", "default"], ["IPv6", "custom"]},
	"strict": set(),
}

uncovered := demanded[mode] - covered if told == true

# Whether there is no Neutron to ask, which is no reason to probe it. The suite breaks
# off then.
catalogs := [token.body.catalog | some token in input.resources["identity.token"]; is_array(token.body.catalog) == true]

endpoints := [endpoint |
	some catalog in catalogs
	some service in catalog
	service.type == "network"
	some endpoint in service.endpoints
]

unreachable := {told == false, count(catalogs) > 0, count(endpoints) == 0} == {true}

# Without the template: the rules of a group that a probe created.
found := probe.state(input, "probe.default_security_group", "scs-0115-default-rules")

created := found.body.rules if {
	told == false
	unreachable == false
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
	unreachable == false
	found.verdict != "judge"
}

wrong := (count(open_ingress) + count(open_created)) + count(uncovered)

verdict := "pass" if {
	wrong == 0
	count(vague) == 0
}

verdict := "fail" if {
	wrong > 0
	count(vague) == 0
}

verdict := settled.verdict

verdict := "abort" if unreachable == true

verdict := "abort" if count(vague) > 0

reason := settled.reason

reason := "the catalog has no endpoint of type `network`, so there is no Neutron to ask" if unreachable == true

reason := sprintf("rule %s lacks some of %s", [rules[min(vague)].key, concat(", ", sort(fields))])

valid_until := utc.forever if true in {told, unreachable}

valid_until := found.until if {
	told == false
	unreachable == false
}

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
		said(rules[id], "ethertype"),
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

origin(rule) := sprintf("%v", [rule.remote_ip_prefix]) if object.get(rule, "remote_ip_prefix", null) != null

origin(rule) := sprintf("group %v", [rule.remote_group_id]) if {
	object.get(rule, "remote_ip_prefix", null) == null
	object.get(rule, "remote_group_id", null) != null
}

origin(rule) := "everywhere" if {
	object.get(rule, "remote_ip_prefix", null) == null
	object.get(rule, "remote_group_id", null) == null
}
