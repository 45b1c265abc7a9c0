# What rules on pods have in common.
package k8s.lib.pod

import rego.v1

# Whether the pod is in one of the namespaces that the rule leaves out: names, or
# patterns with `*`.
exempt(asked) if {
	some pattern in asked.parameters.exempt_namespaces
	glob.match(pattern, [], asked.resource.body.namespace)
}

# Whether the pod keeps running, so that requests may reach it.
serves(body) if {
	kind := body.kind
	not kind in {"Job", "CronJob"}
}
