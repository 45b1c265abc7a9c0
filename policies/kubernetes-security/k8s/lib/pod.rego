# What rules on pods have in common.
package k8s.lib.pod

import rego.v1

import data.k8s.lib.names

# Whether the pod is in one of the namespaces that the rule leaves out.
exempt(asked) if names.listed(asked.parameters.exempt_namespaces, asked.resource.body.namespace)

# Whether the pod keeps running, so that requests may reach it.
serves(body) if {
	kind := body.kind
	not kind in {"Job", "CronJob"}
}
