# Whether the service catalog offers something.
package scs.lib.catalog

import rego.v1

# {"verdict", "violations", "reason"?}: the catalog, as the token shows it, has a
# service of one of these types, spelled exactly so.
judge(asked, _) := {
	"verdict": "abort",
	"violations": set(),
	"reason": "no token was collected, so there is no catalog to look into",
} if {
	count(asked.resources["identity.token"]) == 0
}

judge(asked, wanted) := judgement(offered, wanted) if {
	tokens := asked.resources["identity.token"]
	count(tokens) > 0
	catalogs := [token.body.catalog | some token in tokens; is_array(token.body.catalog) == true]
	count(catalogs) == count(tokens)
	offered := {service.type | some catalog in catalogs; some service in catalog}
}

judgement(offered, wanted) := {"verdict": "pass", "violations": set()} if count(offered & wanted) > 0

judgement(offered, wanted) := {"verdict": "fail", "violations": {violation}} if {
	count(offered & wanted) == 0
	violation := {
		"message": sprintf("the catalog has no service of type %s", [concat(" or ", sort(wanted))]),
		"path": "",
		"found": sort(offered),
		"wanted": sort(wanted),
	}
}
