# METADATA
# title: Public endpoints are encrypted
# description: >-
#   Tokens and passwords go to the address that the catalog names. Over plain HTTP whoever
#   is on the way reads them. Disabled endpoints are not judged.
# scope: package
# custom:
#   id: os.identity.endpoint-not-https
#   severity: high
#   input: resource
#   kinds: [identity.endpoint]
#   requires:
#     identity.endpoint: [/interface, /url, /enabled]
#   controls: ['osg:identity-03', 'osg:compute-04', 'osg:neutron-05', 'osg:shared-04', 'osg:block-04', 'osg:image-04', 'osg:key-manager-04']
#   standard: https://docs.openstack.org/security-guide/secure-communication/tls-proxies-and-http-services.html
#   remediation: >-
#     openstack endpoint set --url https://HOST:PORT/PATH ENDPOINT, after the load balancer in
#     front of the service terminates TLS (kolla-ansible: `kolla_enable_tls_external: "yes"`).
#     Clients that do not know the certificate's authority stop working.
package os.identity.endpoint_not_https

import rego.v1

import data.os.lib.catalog

verdict := catalog.encrypted(input.resource.body, ["public"])

violations contains catalog.plain(input.resource.body) if verdict == "fail"
