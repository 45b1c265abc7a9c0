# Role assignments, with what is joined to them: roles, projects, domains.
package os.lib.grant

import rego.v1

import data.os.lib.names

# The name of the role. Undefined if it is not listed.
role(asked) := asked.joined.roles[asked.resource.body.role.id].name

# Whom it is for.
who(body) := sprintf("user `%s`", [body.user.id]) if body.user.id

who(body) := sprintf("group `%s`", [body.group.id]) if body.group.id

# Where it counts, in words. Undefined if the project or domain is not listed.
place(asked) := sprintf("project `%s`", [project.name]) if some project in asked.joined.projects

place(asked) := sprintf("domain `%s`", [domain.name]) if some domain in asked.joined.domains

# Whether that is the system, or the operator's own.
provider(asked) if asked.resource.body.scope.system

provider(asked) if asked.resource.body.scope.domain.id in asked.parameters.provider_domains

provider(asked) if provider_project(asked)

# Whether it is a project of the operator's.
provider_project(asked) if {
	some project in asked.joined.projects
	project.domain_id == "default"
	names.listed(asked.parameters.provider_projects, project.name)
}

provider_project(asked) if asked.resource.body.scope.project.id in asked.parameters.provider_projects
