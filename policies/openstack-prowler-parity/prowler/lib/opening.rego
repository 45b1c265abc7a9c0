# Rules of security groups, as Prowler reads them.
package prowler.lib.opening

import rego.v1

# Where a rule lets in from, the world if it does not say.
source(rule) := rule.remote_ip_prefix if is_string(rule.remote_ip_prefix)

source(rule) := "0.0.0.0/0" if {
	rule.remote_ip_prefix == null
	rule.remote_group_id == null
}

world(rule) if {
	rule.direction == "ingress"
	source(rule) in ["0.0.0.0/0", "::/0"]
}

# Whether a rule lets in everything from the world.
everything(rule) if {
	world(rule)
	rule.protocol == null
	rule.port_range_min == null
	rule.port_range_max == null
}

# Whether a rule lets in a TCP port from the world.
port(rule, number) if {
	world(rule)
	rule.protocol in [null, "tcp"]
	within(rule, number)
}

within(rule, _) if {
	rule.port_range_min == null
	rule.port_range_max == null
}

within(rule, number) if {
	is_number(rule.port_range_min)
	rule.port_range_min <= number
	rule.port_range_max >= number
}
