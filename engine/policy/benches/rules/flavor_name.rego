# METADATA
# title: flavor name
# custom:
#   id: bench.flavor_name
#   severity: medium
#   input: resource
#   kinds: [compute.flavor]
package bench.flavor_name

import rego.v1

violations contains {"message": "name does not say what it is", "path": "/name", "found": name, "wanted": "SCS-nV-m"} if {
	name := input.resource.body.name
	not regex.match(`^SCS-[0-9]+[CTVL]-[0-9]+`, name)
}
violations contains {"message": "name and vCPUs differ", "path": "/vcpus", "found": input.resource.body.vcpus, "wanted": n} if {
	parts := regex.find_n(`[0-9]+`, input.resource.body.name, 1)
	n := to_number(parts[0])
	n != input.resource.body.vcpus
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
