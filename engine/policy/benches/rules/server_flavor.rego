# METADATA
# title: server flavor
# custom:
#   id: bench.server_flavor
#   severity: medium
#   input: resource
#   kinds: [compute.server]
#   requires:
#     compute.server: [/flavor/original_name]
package bench.server_flavor

import rego.v1

violations contains {"message": sprintf("flavor `%s` is legacy", [name]), "path": "/flavor/original_name", "found": name, "wanted": "a name that starts with SCS-"} if {
	name := input.resource.body.flavor.original_name
	not startswith(name, "SCS-")
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
