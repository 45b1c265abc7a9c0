# METADATA
# title: image properties
# custom:
#   id: bench.image_properties
#   severity: medium
#   input: resource
#   kinds: [image.image]
package bench.image_properties

import rego.v1

wanted := ["os_distro", "os_version", "architecture", "hw_disk_bus"]
violations contains {"message": sprintf("`%s` is absent", [w]), "path": sprintf("/%s", [w]), "found": null, "wanted": "a value"} if {
	some w in wanted
	object.get(input.resource.body, w, "") == ""
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
