# References to container images.
package k8s.lib.image

import rego.v1

# Whether what comes before the first `/` is a registry and not part of a name.
has_registry(image) if regex.match(`^([^/]*[.:][^/]*|localhost)/`, image)

# Whether an image comes from one of some places, each a registry with or without the
# beginning of a path. Names without a registry are of `docker.io`.
from_any(image, places) if {
	some place in places
	startswith(image, sprintf("%s/", [trim_right(place, "/")]))
}

from_any(image, places) if {
	not has_registry(image)
	some place in places
	startswith(sprintf("docker.io/%s", [image]), sprintf("%s/", [trim_right(place, "/")]))
}

from_any(image, places) if {
	not contains(image, "/")
	some place in places
	startswith(sprintf("docker.io/library/%s", [image]), sprintf("%s/", [trim_right(place, "/")]))
}
