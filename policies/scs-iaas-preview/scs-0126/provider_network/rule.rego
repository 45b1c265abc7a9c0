# METADATA
# title: There is one standard provider network
# description: >-
#   scs-0126-v1, "Standard Provider Network": exactly one network is marked as default. It
#   is external, and has port security where it is shared too. Whether its addresses are
#   routed, and that it is the only provider network that projects are shown, is not
#   judged.
# scope: package
# custom:
#   id: scs-preview-0126-provider-network
#   severity: medium
#   input: collection
#   kinds: [network.network]
#   visibility: member
#   requires:
#     network.network: [/name, '/router:external', /shared]
#   standard: https://docs.scs.community/standards/scs-0126-v1-provider-networks#standard-provider-network
#   remediation: >-
#     openstack network set --external --default <network>; openstack network set
#     --no-default <other network>; openstack network set --enable-port-security <network>
package scs_preview.scs_0126.provider_network

import rego.v1

networks := input.resources["network.network"]

marked := {id | some id, n in networks; object.get(n.body, "is_default", false) == true}

external := {n.body.name | some n in networks; n.body["router:external"] == true}

problems contains {
	"message": "no network is marked as default",
	"path": "/is_default",
	"found": sort(external),
	"wanted": "one external network with is_default",
} if {
	count(marked) == 0
}

problems contains violation(id, "/is_default", says, true, "one network with is_default") if {
	count(marked) > 1
	names := sort({sprintf("%v", [networks[other].body.name]) | some other in marked})
	says := sprintf("is one of %d marked as default: %s", [count(marked), concat(", ", names)])
	some id in marked
}

problems contains violation(id, "/router:external", "is marked as default and is not external", networks[id].body["router:external"], true) if {
	some id in marked
	networks[id].body["router:external"] != true
}

problems contains violation(id, "/port_security_enabled", says, false, true) if {
	says := "is marked as default and shared, and has no port security"
	some id in marked
	networks[id].body.shared == true
	object.get(networks[id].body, "port_security_enabled", null) == false
}

# Without the extension a network does not say.
unclear := {id |
	some id in marked
	networks[id].body.shared == true
	is_boolean(object.get(networks[id].body, "port_security_enabled", null)) == false
}

violation(id, path, says, found, wanted) := {
	"resource": networks[id].key,
	"message": sprintf("network `%v` %s", [networks[id].body.name, says]),
	"path": path,
	"found": found,
	"wanted": wanted,
}

verdict := "fail" if count(problems) > 0

verdict := "abort" if {
	count(problems) == 0
	count(unclear) > 0
}

verdict := "pass" if {
	count(problems) == 0
	count(unclear) == 0
}

reason := "the standard provider network does not tell whether it has port security" if count(unclear) > 0

violations contains v if {
	verdict == "fail"
	some v in problems
}
