# METADATA
# title: No security group opens the API of Kubernetes to the world
# description: >-
#   It asks for credentials, but its flaws, and credentials that leak, can be used from
#   everywhere. The whole world counts by whichever way it is let in: no prefix,
#   `0.0.0.0/0` or `::/0`, prefixes that cover it together, address groups.
# scope: package
# custom:
#   id: os.network.sg-kube-api-open-world
#   severity: medium
#   input: resource
#   kinds: [openstack.opening]
#   requires:
#     openstack.opening: [/tcp]
#   standard: https://docs.openstack.org/security-guide/networking/services-security-best-practices.html
#   remediation: >-
#     openstack security group rule list --ingress GROUP, `openstack security group rule
#     delete RULE`, and `openstack security group rule create --ingress --protocol tcp
#     --dst-port 6443 --remote-ip PREFIX GROUP` for those who need it. Who comes from
#     elsewhere is cut off, connections that stand included.
#   parameters:
#     tcp: [[6443, 6443]]
package os.network.sg_kube_api_open_world

import rego.v1

import data.os.lib.opening

violations contains opening.violation("tcp", range, span) if {
	some range in input.resource.body.tcp
	some span in input.parameters.tcp
	opening.meets(range, span)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
