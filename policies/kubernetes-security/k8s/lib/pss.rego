# The Pod Security Standards, by version of the API server.
package k8s.lib.pss

import rego.v1

import data.k8s.tables.pss

# Whether the API server is new enough for a control, or for an exemption from one.
reached(body, what) if {
	is_number(body.minor)
	body.minor >= pss.since[what]
}

# Pods for Windows need not say what only Linux knows.
windows(body) if {
	body.spec.os.name == "windows"
	reached(body, "windows_exempt")
}

# Root in a user namespace is not root on the node.
user_namespace(body) if {
	body.spec.hostUsers == false
	reached(body, "user_namespace_exempt")
}

unknown_version := "it depends on the version of the API server, which is not known"
