# METADATA
# title: server error
# custom:
#   id: bench.server_error
#   severity: medium
#   input: resource
#   kinds: [compute.server]
package bench.server_error

import rego.v1

violations contains {"message": "server is in error", "path": "/status", "found": input.resource.body.status, "wanted": "ACTIVE"} if input.resource.body.status == "ERROR"
violations contains {"message": "server has no metadata `owner`", "path": "/metadata", "found": keys, "wanted": "owner"} if {
	keys := object.keys(input.resource.body.metadata)
	not "owner" in keys
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
