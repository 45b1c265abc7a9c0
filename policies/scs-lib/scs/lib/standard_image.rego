# The images that scs-0104 describes.
package scs.lib.standard_image

import rego.v1

import data.scs.lib.image
import data.scs.lib.redacted

# Where an image bears the name of a standard one, by id. A spec has one name, or a
# `scheme` that names follow.
bearing(images, spec) := {id: found |
	some id, found in images
	name := object.get(found.body, "name", null)
	is_string(name) == true
	regex.match(spec.names, name) == true
}

# The reference suite breaks off where it compares a name that is not there with a
# scheme, whatever the other images are like.
broken_off(images, spec, mode) := image.nameless(images) if {
	mode == "reference"
	object.get(spec, "scheme", false) == true
}

broken_off(_, spec, mode) := set() if {
	mode == "reference"
	object.get(spec, "scheme", false) == false
}

broken_off(_, _, "strict") := set()

# Whose source counts: all that follow a scheme. Of several with one name the
# reference suite keeps the last that Glance lists.
chosen(named, spec, mode) := named if object.get(spec, "scheme", false) == true

chosen(named, spec, "strict") := named if object.get(spec, "scheme", false) == false

chosen(named, spec, "reference") := {id: named[id] | some id in array.slice(image.from_last(named), 0, 1)} if {
	object.get(spec, "scheme", false) == false
}

# Whether it matters which of the images is the last, and that is not known.
in_doubt(_, _, "strict") := false

in_doubt(_, spec, "reference") := false if object.get(spec, "scheme", false) == true

in_doubt(named, spec, "reference") := {mixed, unplaced} == {true} if {
	object.get(spec, "scheme", false) == false
	right := count({id | some id, found in named; genuine(found, spec) == true})
	mixed := {right > 0, right < count(named)} == {true}
	unplaced := count(image.unplaced(named)) > 0
}

# Whether an image comes from one of the places that the standard names.
genuine(found, spec) := count(matching) > 0 if {
	source := sprintf("%v", [image.property(found, "image_source")])
	matching := {prefix | some prefix in spec.sources; startswith(source, prefix)}
}

# {"verdict", "violations", "reason"?}: whether the images of that name come from
# where they should. Having none is right.
source(asked, spec) := broke_off(asked, spec) if count(broken_off(image.offered(asked), spec, asked.parameters.mode)) > 0

source(asked, spec) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("several images are called `%s`, not all come from where they should, and without `created_at` and ids nobody knows which is listed last", [spec.called]),
} if {
	images := image.offered(asked)
	count(broken_off(images, spec, asked.parameters.mode)) == 0
	in_doubt(bearing(images, spec), spec, asked.parameters.mode) == true
}

source(asked, spec) := sourced(strange, veiled) if {
	images := image.offered(asked)
	count(broken_off(images, spec, asked.parameters.mode)) == 0
	in_doubt(bearing(images, spec), spec, asked.parameters.mode) == false
	judged := chosen(bearing(images, spec), spec, asked.parameters.mode)
	strange := {object.union(violation, {"resource": found.key}) |
		some found in judged
		genuine(found, spec) == false
		hidden(found, spec) == false
		violation := image.violation(
			found,
			"image_source",
			sprintf("not below %s", [concat(" or ", spec.sources)]),
			spec.sources,
		)
	}
	veiled := veiled_names(images, spec) | {redacted.reason(image.label(found), "image_source") |
		some found in judged
		hidden(found, spec) == true
	}
}

sourced(strange, _) := judgement(strange) if count(strange) > 0

sourced(strange, veiled) := judgement(strange) if count(veiled) == 0

sourced(strange, veiled) := {"verdict": "abort", "violations": set(), "reason": min(veiled)} if {
	count(strange) == 0
	count(veiled) > 0
}

# Whether a secret was taken out of what would have to be read.
hidden(found, spec) := {genuine(found, spec) == false, redacted.hides(image.property(found, "image_source"), spec.sources)} == {true}

# The images of which nobody knows whether they bear a name that follows the scheme. One
# with a secret in it is no exact name of a standard image.
veiled_names(images, spec) := {redacted.reason(image.label(found), "name") |
	object.get(spec, "scheme", false) == true
	some found in images
	redacted.hides(object.get(found.body, "name", null), {trim_suffix(spec.called, "…")}) == true
}

# The same on whether there is any image of that name.
presence(asked, spec) := broke_off(asked, spec) if count(broken_off(image.offered(asked), spec, asked.parameters.mode)) > 0

presence(asked, spec) := {"verdict": "abort", "violations": set(), "reason": min(veiled)} if {
	images := image.offered(asked)
	count(broken_off(images, spec, asked.parameters.mode)) == 0
	count(bearing(images, spec)) == 0
	veiled := veiled_names(images, spec)
	count(veiled) > 0
}

presence(asked, spec) := judgement(missing) if {
	images := image.offered(asked)
	count(broken_off(images, spec, asked.parameters.mode)) == 0
	borne := count(bearing(images, spec)) > 0
	clear := count(veiled_names(images, spec)) == 0
	true in {borne, clear}
	missing := {violation |
		count(bearing(images, spec)) == 0
		violation := {
			"message": sprintf("no image is called `%s`", [spec.called]),
			"path": "",
			"found": null,
			"wanted": spec.called,
		}
	}
}

judgement(violations) := {"verdict": "pass", "violations": set()} if count(violations) == 0

judgement(violations) := {"verdict": "fail", "violations": violations} if count(violations) > 0

broke_off(asked, spec) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("the reference suite breaks off at %s", [image.label(images[first])]),
} if {
	images := image.offered(asked)
	first := min(broken_off(images, spec, asked.parameters.mode))
}
