# METADATA
# title: Internal and admin endpoints are encrypted
# description: >-
#   As `os.identity.endpoint-not-https`, for the endpoints that services use among
#   themselves: a compromised host of the management network reads tokens of admins.
# scope: package
# custom:
#   id: os.identity.endpoint-internal-not-https
#   severity: medium
#   input: resource
#   kinds: [identity.endpoint]
#   requires:
#     identity.endpoint: [/interface, /url, /enabled]
#   controls: ['osg:identity-03', 'osg:compute-05', 'osg:shared-05', 'osg:shared-06', 'osg:shared-07', 'osg:block-05', 'osg:block-06']
#   standard: https://docs.openstack.org/security-guide/secure-communication/tls-proxies-and-http-services.html
#   remediation: >-
#     openstack endpoint set --url https://HOST:PORT/PATH ENDPOINT, after the services accept
#     TLS there (kolla-ansible: `kolla_enable_tls_internal: "yes"` and
#     `kolla_enable_tls_backend: "yes"`). Services need the authority's certificate (`cafile`
#     in their sections `keystone_authtoken` and the like) before.
package os.identity.endpoint_internal_not_https

import rego.v1

import data.os.lib.catalog

verdict := catalog.encrypted(input.resource.body, ["internal", "admin"])

violations contains catalog.plain(input.resource.body) if verdict == "fail"
