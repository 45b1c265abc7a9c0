# METADATA
# title: port security
# custom:
#   id: bench.port_security
#   severity: medium
#   input: resource
#   kinds: [network.port]
package bench.port_security

import rego.v1

violations contains {"message": "port security is off", "path": "/port_security_enabled", "found": false, "wanted": true} if input.resource.body.port_security_enabled == false

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
