# Which images the rules look at, and what they say about a property.
package scs.lib.image

import rego.v1

import data.scs.lib.shown as shown_lib

# `reference`: public and community images in the listing that the reference
# suite asks for, which leaves out hidden ones and other projects' community
# images. `strict`: every public image, hidden or not, and the community images
# of that listing. Undefined for any other mode, and where visibility or
# listings are not known.
in_scope(image, "reference") := {listed, offered} == {true} if {
	listings := image.body.tidegate.listings
	visibility := image.body.visibility
	listed := "member" in listings
	offered := visibility in {"public", "community"}
}

in_scope(image, "strict") := true in {public, own_community} if {
	listings := image.body.tidegate.listings
	visibility := image.body.visibility
	public := visibility == "public"
	own_community := {visibility == "community", "member" in listings} == {true}
}

# The images of a collection that are looked at, by id. Undefined where one of
# them cannot be placed.
offered(asked) := {id: listed[id] | some id, looked_at in scopes; looked_at == true} if {
	listed := asked.resources["image.image"]
	scopes := {id: looked_at |
		some id, found in listed
		looked_at := in_scope(found, asked.parameters.mode)
		is_boolean(looked_at)
	}
	count(scopes) == count(listed)
}

# Ids in the reverse of the order in which Glance lists images, which is newest
# first and of equal age the greater id first.
from_last(images) := [entry[1] |
	some entry in sort([[object.get(found.body, "created_at", null), id] | some id, found in images])
]

# Images of which nobody knows where Glance lists them.
unplaced(images) := {id | some id, found in images; is_string(object.get(found.body, "created_at", null)) == false} |
	{id | some id, _ in images; shown_lib.made_up(id) == true}

# Images without a name.
nameless(images) := {id | some id, found in images; is_string(object.get(found.body, "name", null)) == false}

# The verdict on one image, given whether the property is as it should be.
# An image that is not looked at passes.
verdict(asked, _) := "pass" if in_scope(asked.resource, asked.parameters.mode) == false

verdict(asked, true) := "pass" if in_scope(asked.resource, asked.parameters.mode) == true

verdict(asked, false) := "fail" if in_scope(asked.resource, asked.parameters.mode) == true

# A property, null if absent. Glance puts properties beside its own fields.
property(image, name) := object.get(image.body, name, null)

# Whether a property holds any text.
filled(image, name) := count({property(image, name)} & {null, ""}) == 0

# The violation for one property; `demand` ends the sentence.
violation(image, name, demand, wanted) := {
	"message": sprintf("%s: `%s` %s, %s", [label(image), name, shown(found), demand]),
	"path": sprintf("/%s", [name]),
	"found": found,
	"wanted": wanted,
} if {
	found := property(image, name)
}

one_of(values) := sprintf("not one of %s", [concat(", ", values)])

label(image) := sprintf("image `%s`", [object.get(image.body, "name", null)]) if {
	is_string(object.get(image.body, "name", null))
} else := sprintf("image %s without a name", [image.key])

shown(null) := "is absent"

shown("") := "is empty"

shown(found) := sprintf("is `%v`", [found]) if {
	found != null
	found != ""
}
