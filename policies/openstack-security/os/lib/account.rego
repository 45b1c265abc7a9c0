# Whose account a user is: a person's, or a program's.
package os.lib.account

import rego.v1

import data.os.lib.names

# The users that deployment tools create for the services themselves, in the
# domain `default`. A name alone proves nothing elsewhere: customers choose theirs.
services := {
	"aodh", "barbican", "blazar", "ceilometer", "cinder", "cloudkitty", "cyborg", "designate",
	"glance", "gnocchi", "heat", "heat_domain_admin", "ironic", "ironic-inspector", "keystone",
	"magnum", "magnum_trustee_domain_admin", "manila", "masakari", "mistral", "neutron", "nova",
	"octavia", "placement", "skyline", "swift", "tacker", "trove", "watcher", "zaqar", "zun",
}

# Whether a user (body) belongs to a service of the cloud, or is one of
# `parameters.service_users` (names in the domain `default`, or ids).
service(user, _) if {
	user.domain_id == "default"
	user.name in services
}

service(user, parameters) if {
	user.domain_id == "default"
	names.listed(parameters.service_users, user.name)
}

service(user, parameters) if user.id in parameters.service_users

# Whether one of the joined domains is in `parameters.exempt_domains` (names or ids).
elsewhere(domains, parameters) if {
	some domain in domains
	names.listed(parameters.exempt_domains, domain.name)
}

elsewhere(domains, parameters) if {
	some domain in domains
	domain.id in parameters.exempt_domains
}
