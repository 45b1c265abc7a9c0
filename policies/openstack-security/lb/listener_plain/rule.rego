# METADATA
# title: Public load balancers encrypt, or redirect to where it is
# description: >-
#   No enabled listener at an address that the world reaches speaks HTTP, or TCP on one of
#   `tcp_ports`, unless a policy redirects to `https://`. Whether the redirect catches
#   every request is not looked into. Reported at the load balancer, since it has the
#   address.
# scope: package
# custom:
#   id: os.lb.listener-plain
#   severity: medium
#   input: resource
#   kinds: [load-balancer.load_balancer]
#   absent: [load-balancer.load_balancer]
#   requires:
#     load-balancer.load_balancer: [/listeners, /vip_port_id]
#     load-balancer.listener: [/admin_state_up, /protocol, /protocol_port]
#     openstack.exposure: [/ways]
#     load-balancer.l7_policy: [/listener_id]
#   joins:
#   - {name: listeners, kind: load-balancer.listener, key: /listeners/*/id}
#   - {name: policies, kind: load-balancer.l7_policy, key: /listeners/*/id, field: /listener_id}
#   - {name: vips, kind: openstack.exposure, key: /vip_port_id}
#   - {name: additional, kind: openstack.exposure, key: /additional_vips/*/port_id}
#   standard: https://docs.openstack.org/octavia/latest/user/guides/basic-cookbook.html
#   remediation: >-
#     openstack loadbalancer listener create --protocol TERMINATED_HTTPS --protocol-port
#     443 --default-tls-container-ref REF LB, then `openstack loadbalancer l7policy create
#     --action REDIRECT_PREFIX --redirect-prefix https://NAME LISTENER` with a rule
#     `openstack loadbalancer l7rule create --compare-type STARTS_WITH --type PATH --value
#     / POLICY`. Clients that do not follow redirections fail.
#   parameters:
#     tcp_ports: [80]
package os.lb.listener_plain

import rego.v1

public if {
	some port in input.joined.vips
	count(port.ways) > 0
}

public if {
	some port in input.joined.additional
	count(port.ways) > 0
}

redirected contains policy.listener_id if {
	some policy in input.joined.policies
	policy.admin_state_up == true
	policy.action == "REDIRECT_TO_URL"
	startswith(lower(policy.redirect_url), "https://")
	count(policy.rules) > 0
}

redirected contains policy.listener_id if {
	some policy in input.joined.policies
	policy.admin_state_up == true
	policy.action == "REDIRECT_PREFIX"
	startswith(lower(policy.redirect_prefix), "https://")
	count(policy.rules) > 0
}

plain contains listener if {
	some id, listener in input.joined.listeners
	listener.admin_state_up == true
	listener.protocol == "HTTP"
	not id in redirected
}

plain contains listener if {
	some listener in input.joined.listeners
	listener.admin_state_up == true
	listener.protocol == "TCP"
	listener.protocol_port in input.parameters.tcp_ports
}

# What a redirect does not take, a pool answers. Without one, it is refused.
answered contains listener.id if {
	some listener in input.joined.listeners
	object.get(listener, "default_pool_id", "not told") != null
}

answered contains policy.listener_id if {
	some policy in input.joined.policies
	policy.admin_state_up == true
	policy.action == "REDIRECT_TO_POOL"
}

# Which requests a policy takes is not read.
partly contains id if {
	some id, listener in input.joined.listeners
	listener.admin_state_up == true
	listener.protocol == "HTTP"
	id in redirected
	id in answered
}

violations contains {
	"message": sprintf("listener `%s` speaks plain %s on port %d to the world", [listener.id, listener.protocol, listener.protocol_port]),
	"path": "/listeners",
	"found": listener.protocol,
	"wanted": "TERMINATED_HTTPS, or a redirect to it",
} if {
	public
	some listener in plain
}

verdict := "fail" if count(violations) > 0

# Listeners of which nobody knows what they speak.
unknown contains id if {
	seen := object.keys(input.joined.listeners)
	some one in input.resource.body.listeners
	id := object.get(one, "id", "")
	not id in seen
}

verdict := "pass" if {
	count(plain) == 0
	count(unknown | partly) == 0
}

# Ports of additional VIPs that nobody has seen; null is one that is not told.
unseen contains port if {
	seen := object.keys(input.joined.additional)
	some vip in input.resource.body.additional_vips
	port := object.get(vip, "port_id", null)
	not port in seen
}

# Only VIPs whose ports are all known can be said not to be reached.
hidden if {
	count(input.joined.vips) > 0
	count(unseen) == 0
	not public
}

verdict := "pass" if hidden

verdict := "abort" if {
	count(plain) > 0
	not public
	not hidden
}

verdict := "abort" if {
	count(plain) == 0
	count(unknown | partly) > 0
	not hidden
}

reason := "the port of an address of it is not in the snapshot, so nobody knows who reaches it" if count(plain) > 0

reason := sprintf("listener `%s` is not in the snapshot", [min(unknown)]) if {
	count(plain) == 0
	count(unknown) > 0
}

reason := sprintf("listener `%s` has a pool as well: whether all of it is redirected is not known", [min(partly)]) if {
	count(plain) == 0
	count(unknown) == 0
	count(partly) > 0
}
