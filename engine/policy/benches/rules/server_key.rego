# METADATA
# title: server key
# custom:
#   id: bench.server_key
#   severity: medium
#   input: resource
#   kinds: [compute.server]
package bench.server_key

import rego.v1

violations contains {"message": "server has no key pair", "path": "/key_name", "found": null, "wanted": "a key pair"} if input.resource.body.key_name == null

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
