# The images that scs-0104 describes.
package scs.lib.standard_image

import rego.v1

import data.scs.lib.image

# Whether an image bears the name of a standard one.
bears(resource, spec) := regex.match(spec.names, name) if {
	name := sprintf("%v", [object.get(resource.body, "name", "")])
}

# Whether it comes from one of the places that the standard names.
genuine(resource, spec) := count(matching) > 0 if {
	source := sprintf("%v", [image.property(resource, "image_source")])
	matching := {prefix | some prefix in spec.sources; startswith(source, prefix)}
}

# The verdict on the source of one image; images of other names pass.
source_verdict(asked, spec) := image.verdict(asked, genuine(asked.resource, spec)) if bears(asked.resource, spec) == true

source_verdict(asked, spec) := image.verdict(asked, true) if bears(asked.resource, spec) == false

source_violation(resource, spec) := image.violation(
	resource,
	"image_source",
	sprintf("not below %s", [concat(" or ", spec.sources)]),
	spec.sources,
)

# Whether any image that users are shown bears the name; undefined if one of
# them cannot be placed.
present(asked, spec) := count(bearing) > 0 if {
	listed := asked.resources["image.image"]
	scopes := {id: looked_at |
		some id, resource in listed
		looked_at := image.in_scope(resource, asked.parameters.mode)
		is_boolean(looked_at)
	}
	count(scopes) == count(listed)
	bearing := {id |
		some id, looked_at in scopes
		looked_at == true
		bears(listed[id], spec) == true
	}
}
