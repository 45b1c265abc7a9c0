# Whose a resource is: the provider's own, or a customer's.
package os.lib.owner

import rego.v1

import data.os.lib.names

# Whether one of the joined projects is one of the provider's: named in a list by id, or
# by name, which counts in the domain `default` only, since customers choose the names in
# theirs.
provider(projects, list) if {
	some project in projects
	project.domain_id == "default"
	names.listed(list, project.name)
}

provider(projects, list) if {
	some project in projects
	project.id in list
}
