# Label selectors, as `matchLabels` and `matchExpressions`.
package k8s.lib.selector

import rego.v1

# Whether something in a selector does not hold for labels. An empty selector holds for
# all.
mismatch(selector, labels) if {
	some key, value in selector.matchLabels
	object.get(labels, key, null) != value
}

mismatch(selector, labels) if {
	some wanted in selector.matchExpressions
	unmet(wanted, labels)
}

unmet(wanted, labels) if {
	wanted.operator == "In"
	found := object.get(labels, wanted.key, null)
	values := wanted.values
	not found in values
}

unmet(wanted, labels) if {
	wanted.operator == "NotIn"
	key := wanted.key
	labels[key] in wanted.values
}

unmet(wanted, labels) if {
	wanted.operator == "Exists"
	object.get(labels, wanted.key, null) == null
}

unmet(wanted, labels) if {
	wanted.operator == "DoesNotExist"
	object.get(labels, wanted.key, null) != null
}

# Whether a Service sends to pods with such labels. Without a selector it sends to none.
serves(service, labels) if {
	count(service.spec.selector) > 0
	wanted := {"matchLabels": service.spec.selector}
	not mismatch(wanted, labels)
}
