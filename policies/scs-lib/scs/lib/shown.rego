# Which of the things that a cloud's users are shown the rules look at.
package scs.lib.shown

import rego.v1

# The flavors or volume types that count, by id; each of `fields` that one has says
# whether it is public.
#
# `strict`: all. `reference`: what the suite is shown, which signs in as an
# ordinary member and also sees private ones that its project may use. So where
# such a member's credential collected, all that it was shown counts; where an
# administrator's did, private ones do not, since nobody knows whose they are
# to the suite. One of which the API does not say whether it is private counts.
# Undefined for any other mode, and where private ones cannot be placed.
looked_at(asked, kind, _) := asked.resources[kind] if asked.parameters.mode == "strict"

looked_at(asked, kind, fields) := public(asked.resources[kind], fields) if {
	asked.parameters.mode == "reference"
	listed := asked.resources[kind]
	count(public(listed, fields)) == count(listed)
}

looked_at(asked, kind, fields) := listed if {
	asked.parameters.mode == "reference"
	listed := asked.resources[kind]
	count(public(listed, fields)) < count(listed)
	ordinary(asked.resources["identity.token"]) == true
}

looked_at(asked, kind, fields) := public(listed, fields) if {
	asked.parameters.mode == "reference"
	listed := asked.resources[kind]
	count(public(listed, fields)) < count(listed)
	ordinary(asked.resources["identity.token"]) == false
}

# Disabled flavors are shown to administrators only.
public(listed, fields) := {id: found |
	some id, found in listed
	count({field | some field in fields; object.get(found.body, field, true) == false}) == 0
	object.get(found.body, "OS-FLV-DISABLED:disabled", false) != true
}

# Whether the credential is that of an ordinary member, who is shown public
# things and those of its project. Undefined without a token or its roles.
ordinary(tokens) := count({name | some list in lists; some r in list; name := lower(r.name)} & {"admin"}) == 0 if {
	count(tokens) > 0
	lists := [token.body.roles | some token in tokens; is_array(token.body.roles) == true]
	count(lists) == count(tokens)
}

# Whether a thing came without an id, so that its own was made of its content: no
# listing is known to be in order of those.
made_up(id) := regex.match(`(^|/)sha256-[0-9a-f]{32}$`, id)

# Ids in the order in which Nova lists flavors: by id, where case does not count.
flavor_order(flavors) := [entry[1] |
	some entry in sort([[upper(id), id] | some id, _ in flavors])
]
