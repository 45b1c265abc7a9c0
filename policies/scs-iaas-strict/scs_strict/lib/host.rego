# Compute hosts as placement shows them, and which of them a flavor can start on.
package scs_strict.lib.host

import rego.v1

# {id: traits} of the providers that are compute hosts, nested ones not among them.
# Undefined if the traits of one cannot be read.
all(asked) := {id: traits |
	some id, resource in listed
	traits := {trait | some trait in resource.body.traits}
	"COMPUTE_NODE" in traits
} if {
	listed := asked.resources["placement.trait"]
	count([1 | some resource in listed; is_array(resource.body.traits) == true]) == count(listed)
}

# What a flavor asks of its host: [traits wanted, traits not wanted].
wants(flavor) := [traits(flavor, "required"), traits(flavor, "forbidden")]

traits(flavor, demand) := {trim_prefix(key, "trait:") |
	some key, value in flavor.body.extra_specs
	startswith(key, "trait:")
	value == demand
}

# The hosts that have the traits. Other limits of the scheduler are not seen.
candidates(hosts, wanted) := {id |
	some id, has in hosts
	count(wanted[0] - has) == 0
	count(wanted[1] & has) == 0
}

# Whether extra specs bind a flavor to aggregates or capabilities of hosts. They
# count only with scheduler filters, of which no API tells.
bound(flavor) := count(keys) > 0 if {
	keys := {key |
		some key, _ in flavor.body.extra_specs
		regex.match(`^(aggregate_instance_extra_specs|capabilities):`, key)
	}
}

# The name of a host, its id where there is none.
name(asked, id) := object.get(asked.resources, ["placement.resource_provider", id, "body", "name"], id)
