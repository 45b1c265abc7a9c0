# METADATA
# title: volume encrypted
# custom:
#   id: bench.volume_encrypted
#   severity: medium
#   input: resource
#   kinds: [block-storage.volume]
package bench.volume_encrypted

import rego.v1

violations contains {"message": "volume is not encrypted", "path": "/encrypted", "found": input.resource.body.encrypted, "wanted": true} if {
	input.resource.body.encrypted == false
	input.resource.body.size > 90
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
