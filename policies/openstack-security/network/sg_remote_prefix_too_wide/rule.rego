# METADATA
# title: Security groups let in no huge part of the world
# description: >-
#   A prefix is as long as `ipv4` or `ipv6` at least. Prefixes such as `0.0.0.0/1` escape
#   whoever looks for `0.0.0.0/0`. What is open to the whole world is the business of the
#   other rules.
# scope: package
# custom:
#   id: os.network.sg-remote-prefix-too-wide
#   severity: high
#   input: resource
#   kinds: [openstack.opening]
#   requires:
#     openstack.opening: [/wide]
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack security group rule list --ingress GROUP, `openstack security group rule
#     delete RULE`, and `openstack security group rule create --ingress --protocol
#     PROTOCOL --dst-port PORTS --remote-ip PREFIX GROUP` with the networks that are
#     meant. Who comes from elsewhere is cut off.
#   parameters:
#     ipv4: 8
#     ipv6: 16
package os.network.sg_remote_prefix_too_wide

import rego.v1

violations contains violation(entry, input.parameters.ipv4) if {
	some entry in input.resource.body.wide
	entry.family == "ipv4"
	entry.length < input.parameters.ipv4
}

violations contains violation(entry, input.parameters.ipv6) if {
	some entry in input.resource.body.wide
	entry.family == "ipv6"
	entry.length < input.parameters.ipv6
}

violation(entry, least) := {
	"message": sprintf("rule %s lets in `%s`", [entry.rule, entry.prefix]),
	"path": "/wide",
	"found": entry.prefix,
	"wanted": sprintf("a prefix of /%d or longer", [least]),
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
