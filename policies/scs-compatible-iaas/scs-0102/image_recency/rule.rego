# METADATA
# title: Images are replaced as often as they say
# description: >-
#   An image is outdated once it is older than its `replace_frequency` and a tenth. That
#   is excused if it is no longer provided, or if a newer image has its name without the
#   last word.
# scope: package
# custom:
#   id: scs-0102-image-recency
#   severity: high
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Upload a current build under the name of the outdated image and append a date to the
#     old name, or hide the old one: openstack image set --name "<name> 20260101" --hidden
#     <image>; or set `provided_until` to the day support ended.
#   parameters:
#     mode: reference
package scs.scs_0102.image_recency

import rego.v1

import data.scs.lib.image
import data.scs.lib.utc

mode := input.parameters.mode

now := utc.instant(input.now)

images := image.offered(input)

# Longest age in seconds. The reference suite allows 365, 92 or 31 days, or 7 or 1 of
# 25 hours each, and a tenth on top; the text three days after the longest year,
# quarter, month, week or day.
longest := {
	"reference": {
		"yearly": 34689600,
		"quarterly": 8743680,
		"monthly": 2946240,
		"weekly": 693000,
		"daily": 99000,
	},
	"strict": {
		"yearly": 31881600,
		"quarterly": 8208000,
		"monthly": 2937600,
		"weekly": 864000,
		"daily": 345600,
	},
}[mode]

built_text(resource) := image.property(resource, "image_build_date") if image.filled(resource, "image_build_date")

built_text(resource) := image.property(resource, "created_at") if image.filled(resource, "image_build_date") == false

# What is known of an image's age: {"state", "until"?}, `until` being when a
# state that time changes will change, in seconds.
age(resource) := aged(
	utc.seconds(built_text(resource)),
	object.get(longest, sprintf("%v", [image.property(resource, "replace_frequency")]), null),
	object.get(resource.body, "provided_until", null),
)

aged(_, null, _) := {"state": "current"}

aged(null, period, _) := {"state": "unknown", "why": "its build date cannot be read"} if period != null

aged(built, period, _) := {"state": "current", "until": built + period} if {
	built != null
	period != null
	now <= built + period
}

aged(built, period, provided) := excuse(provided, utc.seconds(provided), built + period) if {
	built != null
	period != null
	now > built + period
}

# An outdated image: is it still provided?
excuse(null, _, _) := {"state": "unknown", "why": "it is outdated, and without `provided_until` the reference suite breaks off"} if {
	mode == "reference"
}

excuse(null, _, due) := {"state": "outdated", "due": due} if mode == "strict"

excuse(provided, _, _) := {"state": "current"} if provided in {"none", "notice"}

excuse(provided, null, due) := {"state": "unclear", "due": due} if {
	provided != null
	count({provided} & {"none", "notice"}) == 0
}

excuse(provided, until, due) := {"state": "outdated", "due": due, "until": until} if {
	until != null
	now <= until
}

excuse(provided, until, _) := {"state": "current"} if {
	until != null
	now > until
}

ages := {id: a |
	some id, resource in images
	a := age(resource)
	is_object(a)
}

unknown := {id | some id, a in ages; a.state == "unknown"}

nameless := image.nameless(images)

# The reference suite breaks off at an outdated image without a name.
lost := {id |
	mode == "reference"
	some id, a in ages
	a.state == "outdated"
	id in nameless
}

# The names of which nobody knows whether they lead to a current image, since a current
# one and another bear them and where Glance lists one is not known.
doubtful := (current_names & {name_of(images[id]) | some id, a in ages; a.state != "current"}) & {name_of(images[id]) |
	mode == "reference"
	some id in image.unplaced(images)
}

unplaced := {id |
	some id, a in ages
	a.state == "outdated"
	is_string(name_of(images[id])) == true
	successor(name_of(images[id])) in doubtful
}

# The name of the image that should replace this one: all but the last word.
successor(name) := concat(" ", array.slice(words, 0, max([1, count(words) - 1]))) if {
	words := split(name, " ")
}

# Of several images with one name the reference suite keeps the one that Glance
# lists last; `strict` looks at the best of them. Sorting keeps equal names
# together, the last one of the listing first.
order := sort([[name_of(images[id]), i, id] | some i, id in image.from_last(images)])

previous := array.concat([null], [entry[0] | some entry in order])

last := {entry[0]: ages[entry[2]].state | some i, entry in order; previous[i] != entry[0]}

current_names := {name_of(images[id]) | some id, a in ages; a.state == "current"}

# Whether a name leads to a current image.
replaced(name) := object.get(last, name, "missing") == "current" if mode == "reference"

replaced(name) := name in current_names if mode == "strict"

# A name that is not there is no text, so that nothing is called so.
name_of(resource) := object.get(resource.body, "name", null)

violating contains id if {
	some id, a in ages
	a.state == "unclear"
}

violating contains id if {
	some id, a in ages
	a.state == "outdated"
	name := name_of(images[id])
	is_string(name) == true
	count({id} & unplaced) == 0
	replaced(successor(name)) == false
}

violating contains id if {
	mode == "strict"
	some id, a in ages
	a.state == "outdated"
	id in nameless
}

# Nothing fell through: each image has an age.
complete if count(ages) == count(images)

# What keeps from a verdict: to the reference suite whatever the others are like, but
# for the order of the listing, which it knows; in mode `strict` unless others are wrong.
broken_off := unknown | lost if {
	mode == "reference"
	count(violating) > 0
}

broken_off := (unknown | lost) | unplaced if {
	mode == "reference"
	count(violating) == 0
}

broken_off := unknown if {
	mode == "strict"
	count(violating) == 0
}

broken_off := set() if {
	mode == "strict"
	count(violating) > 0
}

verdict := "abort" if {
	complete
	count(broken_off) > 0
}

reason := sprintf("%s: %s", [image.label(images[first]), why(first)]) if {
	first := min(broken_off)
}

why(id) := ages[id].why if id in unknown

why(id) := sprintf("it is outdated, and nobody knows which image `%s` is listed last", [successor(name_of(images[id]))]) if {
	id in unplaced
}

why(id) := "it is outdated, and without a name the reference suite breaks off" if id in lost

verdict := "fail" if {
	complete
	count(broken_off) == 0
	count(violating) > 0
}

verdict := "pass" if {
	complete
	count(broken_off) == 0
	count(violating) == 0
}

valid_until := utc.rfc3339(min(changes)) if {
	changes := {utc.seconds(utc.forever)} | {a.until | some a in ages}
	verdict in {"pass", "fail"}
}

violations contains {
	"resource": images[id].key,
	"message": sprintf("%s was due for replacement on %s, and no current image is called `%s`", [
		image.label(images[id]),
		utc.rfc3339(ages[id].due),
		name,
	]),
	"path": "/image_build_date",
	"found": built_text(images[id]),
	"wanted": sprintf("a newer build, or a current image `%s`", [name]),
} if {
	verdict == "fail"
	some id in violating
	ages[id].state == "outdated"
	is_string(name_of(images[id])) == true
	name := successor(name_of(images[id]))
}

violations contains {
	"resource": images[id].key,
	"message": sprintf("%s was due for replacement on %s", [image.label(images[id]), utc.rfc3339(ages[id].due)]),
	"path": "/image_build_date",
	"found": built_text(images[id]),
	"wanted": "a newer build",
} if {
	verdict == "fail"
	some id in violating
	ages[id].state == "outdated"
	id in nameless
}

violations contains {
	"resource": images[id].key,
	"message": sprintf("%s was due for replacement on %s, and its `provided_until` is no date", [
		image.label(images[id]),
		utc.rfc3339(ages[id].due),
	]),
	"path": "/provided_until",
	"found": images[id].body.provided_until,
	"wanted": "YYYY-MM-DD, none or notice",
} if {
	verdict == "fail"
	some id in violating
	ages[id].state == "unclear"
}
