# METADATA
# title: Load balancers speak no outdated TLS
# description: >-
#   A listener that ends TLS offers none of `weak`. Where versions are not given,
#   Octavia's configuration decides, which is not seen.
# scope: package
# custom:
#   id: os.lb.tls-version-weak
#   severity: high
#   input: resource
#   kinds: [load-balancer.listener]
#   absent: [load-balancer.listener]
#   requires:
#     load-balancer.listener: [/protocol]
#   standard: https://docs.openstack.org/api-ref/load-balancer/v2/index.html#listeners
#   remediation: >-
#     openstack loadbalancer listener set --tls-version TLSv1.2 --tls-version TLSv1.3
#     LISTENER; for all new ones `minimum_tls_version = TLSv1.2` in [api_settings] of
#     octavia.conf. Clients older than about 2014 can no longer connect.
#   parameters:
#     weak: [SSLv3, TLSv1, TLSv1.1]
package os.lb.tls_version_weak

import rego.v1

body := input.resource.body

terminates if body.protocol == "TERMINATED_HTTPS"

known if {
	is_array(body.tls_versions)
	count(body.tls_versions) > 0
}

violations contains {
	"message": sprintf("the listener offers %s", [version]),
	"path": "/tls_versions",
	"found": version,
	"wanted": "TLSv1.2 or newer",
} if {
	terminates
	known
	some version in body.tls_versions
	version in input.parameters.weak
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	is_string(body.protocol)
	not terminates
}

verdict := "pass" if {
	terminates
	known
	count(violations) == 0
}

verdict := "abort" if {
	terminates
	not known
}

reason := "its versions of TLS are not given: Octavia's configuration decides" if verdict == "abort"
