# Versions of Kubernetes as `1.<minor>`.
package k8s.lib.version

import rego.v1

# The minor version in a text such as `v1.36.2+k3s1`. Undefined if there is none.
minor(text) := to_number(found[0][1]) if {
	found := regex.find_all_string_submatch_n(`^v?1\.([0-9]+)([.+-]|$)`, text, 1)
	count(found) == 1
}

unknown := "the version of the API server is not known"
