# METADATA
# title: volume attached
# custom:
#   id: bench.volume_attached
#   severity: medium
#   input: resource
#   kinds: [block-storage.volume]
package bench.volume_attached

import rego.v1

violations contains {"message": sprintf("volume is attached %d times", [n]), "path": "/attachments", "found": n, "wanted": 1} if {
	n := count(input.resource.body.attachments)
	n > 1
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
